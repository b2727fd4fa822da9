"""What completions may use and what they have used: estimates, slots, sums; open demand.py first."""

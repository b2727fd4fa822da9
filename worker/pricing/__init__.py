"""What an attempt costs, and what a kept library knows of a model; open cost.py first."""

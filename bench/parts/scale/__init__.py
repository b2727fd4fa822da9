"""What bench/scale.py measures: two checkouts, each with a server of its own; open stretch.py first."""

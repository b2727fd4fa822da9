"""Names what is wrong with the fleet, since when, and the cure; open problems.py first."""

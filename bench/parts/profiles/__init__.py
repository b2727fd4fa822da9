"""What bench/profiles.py measures with; open areas.py first."""

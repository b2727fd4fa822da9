"""The provider's outages of bench/fleet.py."""

"""Reads what the fleet reports: events and counters; open events.py first."""

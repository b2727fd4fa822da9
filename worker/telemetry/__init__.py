"""Reads what the fleet reports: events, counters, workers; open events.py first."""

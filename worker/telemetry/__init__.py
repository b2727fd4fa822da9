"""Reads what the fleet reports, events, counters, workers, and sends traces; open events.py first, then tracing.py."""

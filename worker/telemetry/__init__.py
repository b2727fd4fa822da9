"""Reads what the fleet reports, events and counters, and sends traces; open events.py first, tracing.py for these."""

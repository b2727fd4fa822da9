"""Reads what the fleet reports: events, counters, workers; open events.py first. Rooms: metrics/, traces/, otel/."""

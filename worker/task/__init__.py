"""Stores one completion in Redis: lease, journal, parking, dead letter; open lease.py first."""

"""Connects to the shared store in Redis: keys, scripts, round trips; open store.py first."""

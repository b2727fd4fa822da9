"""The crews that bench/transport.py compares; open crews.py first."""

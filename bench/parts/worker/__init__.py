"""The two sides that bench/worker.py compares; open sides.py first."""

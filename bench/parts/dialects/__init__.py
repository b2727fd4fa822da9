"""The clients that bench/dialects.py compares; open comparisons.py first."""

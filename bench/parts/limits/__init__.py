"""Parts of bench/limits.py."""

"""What bench/breaker.py compares, and its aims; open cells.py first."""

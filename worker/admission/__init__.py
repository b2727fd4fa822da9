"""Decides whether a provider may be asked now; open breaker.py first."""

"""Servers and workers on this machine, as processes."""

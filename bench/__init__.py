"""Measurements of the fleet, run by hand; docs/benchmarks.md has their results."""

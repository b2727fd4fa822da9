"""Measurements of the fleet, run by hand; docs/benchmarks has their results."""

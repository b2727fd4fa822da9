"""Simulated calls, and what the detectors make of them; open scenarios.py first."""

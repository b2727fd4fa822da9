"""Probes the providers, and reports their health and models; open health.py first."""

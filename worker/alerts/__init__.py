"""Sends alerts: chosen events and problems of the fleet, to the receivers of `[alerts]`; open sender.py first."""

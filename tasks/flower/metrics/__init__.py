"""The fleet's metrics at Flower's `/metrics`; open fleet.py first. Processes count in worker/telemetry/metrics/."""

"""An outage under load, with retries; open storm.py first."""

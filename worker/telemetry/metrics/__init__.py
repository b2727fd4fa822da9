"""What this process counts for the fleet's metrics; open recording.py first."""

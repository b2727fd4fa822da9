"""The configuration of Flower, with the metrics and pages of the fleet; open flowerconfig.py first."""

"""Walks one completion along its chain of providers; open walk.py first."""

"""A simulated fleet whose completions choose between providers; open simulation.py first."""

"""What the benchmarks measure with: load, upstreams, networks, figures; open report.py first."""

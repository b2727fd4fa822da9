"""What bench/isolation.py is made of: a worker of 100 slots, its vendors, and an open load."""

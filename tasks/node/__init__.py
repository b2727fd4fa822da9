"""What a worker process of the fleet adds to Celery's; open consumer.py first."""

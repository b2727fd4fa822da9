"""What providers really send: a corpus as data, each entry with its source, sent through the queue on every wire."""

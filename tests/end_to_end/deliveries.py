"""Moves the stored time of a message in hand, instead of waiting for it."""

from tests.end_to_end.local_cluster import LocalSetup


def let_time_pass(setup: LocalSetup, task_id: str) -> None:
    """Ends what a dead worker still holds: the task's lease, and every message in hand."""
    redis = setup.store.redis
    redis.hset(setup.store.task(task_id), "until", 0)
    for tag in redis.hkeys("unacked"):
        redis.zadd("unacked_index", {tag: 0}, xx=True)

"""Moves the stored time of a message in hand, instead of waiting for it."""

from tests.end_to_end.local_cluster import LocalSetup


def deliver_again(setup: LocalSetup) -> None:
    """Lets the visibility timeout of every message in hand pass, though its holder may live."""
    redis = setup.store.redis
    for tag in redis.hkeys("{fallback}:2:unacked"):
        redis.zadd("{fallback}:2:unacked_index", {tag: 0}, xx=True)


def let_time_pass(setup: LocalSetup, task_id: str) -> None:
    """Ends what a crashed worker still holds: the task's lease, and every message in hand."""
    setup.store.redis.hset(setup.store.keys.task(task_id), "until", 0)
    deliver_again(setup)

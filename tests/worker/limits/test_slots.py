"""The slot of a call: a heartbeat renews it while the call runs, and not after, however it ends."""

import socket
from contextlib import suppress

import pytest
from redis import Redis

from config.chains import Chain, Retry
from config.limits import Limits
from tests.worker.providers.asking import OPENAI, provider, request
from tests.worker.providers.bare_server import Bare, Talk, responds, serving, streams
from worker.chain.delivery import Delivery
from worker.chain.route import Route
from worker.chain.walk import complete
from worker.errors import TaskFailed
from worker.limits.slots import SLOTS
from worker.store.store import Store

SLOTS_KEY = "{fallback}:2:breaker:p:slots"


def after_a_heartbeat(store: Store, slot: str) -> float:
    """Returns the ms that a slot has left after a heartbeat, before which it had 100."""
    now = store.time() * 1000
    store.redis.zadd(SLOTS_KEY, {slot: now + 100})
    SLOTS.renew(store)
    return float(store.redis.zscore(SLOTS_KEY, slot)) - now


@pytest.mark.parametrize("talk", [streams(*OPENAI), responds(b"500 Internal Server Error", b"{}")])
def test_a_call_s_slot_is_renewed_while_it_runs_and_not_after(redis: Redis, redis_url: str, talk: Talk) -> None:
    seen: list[tuple[str, float]] = []

    def answer(bare: Bare, sock: socket.socket) -> bool:
        [slot] = redis.zrange(SLOTS_KEY, 0, -1)
        seen.append((slot, after_a_heartbeat(store, slot)))
        return talk(bare, sock)

    with serving(answer) as bare:
        asked = provider("openai", bare.url, limits=Limits(concurrency=1))
        chain = Chain(name="chain", providers=("p",), retry=Retry(max_retries=0))
        store = Store(redis_url, "fallback", {"p": asked})
        with suppress(TaskFailed):
            complete(store, Delivery("task", request(), Route(chain, {"p": asked}), lambda: None))
    [(slot, left)] = seen
    assert left > 14_000
    assert redis.zcard(SLOTS_KEY) == 0
    assert after_a_heartbeat(store, slot) < 101

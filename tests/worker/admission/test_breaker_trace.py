"""What many processes did, some of them killed, replayed in the server's order through the model."""

import multiprocessing
import os
import random
import time

import pytest
from redis import Redis

from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import CHAIN
from tests.worker.admission.silent_calls import FleetModel
from tests.worker.admission.stored_breakers import stored
from tests.worker.admission.trace_process import run
from tests.worker.admission.traced_breakers import LOG, replay

OPERATIONS = int(os.environ.get("TRACE_OPERATIONS", "6000"))
PROCESSES = 8
EVERY = 0.15
FOREVER = 600


@pytest.mark.timeout(FOREVER)
@pytest.mark.parametrize("server", ["valkey", "redis_server"])
def test_every_reply_of_processes_that_are_killed_is_the_model_s(request, server, record_property):
    place = request.getfixturevalue(server).url
    with Redis.from_url(place, decode_responses=True, encoding="latin-1") as client:
        client.flushdb()
        kills = _trace(place, client)
        model = FleetModel(0)
        made = replay(client, model)
        record_property("counted", f"{made.total()} operations, {kills} processes killed; {dict(made)}")
        assert made.total() >= OPERATIONS
        assert made["stalls"] > 0
        assert {name: one.fields for name, one in stored(client, CHAIN).items()} == {
            name: circuit.fields() for name, circuit in model.circuits.items()
        }
        for name in CHAIN:
            slots = dict(client.zrange(f"{{fallback}}:2:breaker:{name}:slots", 0, -1, withscores=True))
            assert slots == model.used.slots.get(name, {})
            minute = model.used.minutes.get(name)
            assert client.hgetall(f"{{fallback}}:2:breaker:{name}:minute") == (minute.stored() if minute else {})
        events = [fields for _, fields in client.xrange("{fallback}:2:events")]
        assert events == model.events[-len(events) :]


def _trace(url: str, client: Redis) -> int:
    """Lets processes work, kills one every 150 ms, and returns how many; all have ended then."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.worker.admission.trace_process"])
    children, kills = [], 0
    try:
        while client.llen(LOG) < OPERATIONS:
            due = time.monotonic() + EVERY
            while len(children) < PROCESSES:
                children.append(context.Process(target=run, args=(url,), daemon=True))
                children[-1].start()
            wait_until(lambda due=due: time.monotonic() > due)
            _kill(children.pop(random.randrange(PROCESSES)))
            kills += 1
    finally:
        for child in children:
            _kill(child)
    return kills


def _kill(child: multiprocessing.Process) -> None:
    child.kill()
    child.join()

"""Numbers in the scripts: what Lua writes with 14 digits, or a reply cuts at the point, must still be exact."""

import re
from dataclasses import replace

import pytest

from config.breaker import Adaptive, Breaker
from tests.worker.admission.clocked_breaker import (
    BLANK,
    MINUTE,
    PERMIT_MS,
    SECOND,
    T0,
    ClockedBreaker,
    attempted,
    provider,
    url,
)
from tests.worker.admission.shared_breaker import acquire, record, store_with
from worker.admission import breaker
from worker.admission.breaker import Skipped
from worker.health import model_registry
from worker.providers.model_list import Listed, Listing
from worker.store.scripts import scripts
from worker.task import lease

TODAY, FAR = T0 + 123, 123_456_789_012_345
"""ms of 13 digits, as they are; and of 15, which `..`, tostring and cjson would round."""

LIBRARIES = {"redis", "string", "math", "table", "cjson"}
"""What a script may call; struct, cmsgpack and bit are not everywhere, and os would tell another time."""

CALL = re.compile(r"\b([a-z]+)\.([a-z_]+)\(")


@pytest.fixture(params=[TODAY, FAR])
def b(request, every_redis):
    b = ClockedBreaker(every_redis, Breaker(adaptive=Adaptive(latency="on")))
    b.at(request.param)
    return b


def test_generations_next_to_each_other_are_told_apart(b):
    permit = b.permit()
    assert permit.generation == b.now
    for off, counted in [(-1, 0), (1, 0), (0, 1)]:
        assert b.reply(attempted(replace(permit, generation=b.now + off), "success"))[0] == counted


def test_each_state_s_generation_is_the_millisecond_or_the_next_one(b):
    b.permit()
    b.trip()
    assert b.fields()["generation"] == b.now + 1
    b.at(b.fields()["open_until"])
    assert b.permit().generation == b.fields()["generation"] == b.now


def test_an_opening_ends_at_the_millisecond_that_everybody_sees(b):
    b.trip()
    until = b.fields()["open_until"]
    assert MINUTE <= until - b.now <= 1.1 * MINUTE
    (event,) = (e for e in b.events() if e["type"] == "circuit-breaker-open")
    assert (event["at_ms"], event["open_until_ms"]) == (str(b.now), str(until))
    assert b.acquire().skipped == (Skipped("alpha", "open", until / 1000),)
    assert breaker.snapshot(b.store, ["alpha"])[0].open_until == until / 1000
    b.at(until - 1)
    assert b.acquire().wait == 0.001
    b.at(until)
    assert b.acquire().kind == "next"


def test_a_rate_limit_ends_at_its_millisecond(b):
    b.call("rate-limited", retry_after=1001)
    assert b.fields()["limited_until"] == b.now + 1001
    b.after(1000)
    assert b.acquire().wait == 0.001
    b.after(1)
    assert b.acquire().kind == "next"


def test_a_permit_and_its_extension_run_out_at_their_millisecond(b):
    b.trip()
    b.at(b.fields()["open_until"])
    permit = b.permit()
    assert b.permits() == {permit.half_open_id: b.now + PERMIT_MS}
    assert breaker.extend(b.store, permit, 60.001)
    assert b.permits() == {permit.half_open_id: b.now + 60_001.5}
    b.after(60_001)
    assert b.acquire().kind == "none"
    b.after(1)
    other = b.permit()
    assert b.permits() == {other.half_open_id: b.now + PERMIT_MS}


def test_a_deprioritisation_ends_at_its_millisecond(b):
    for latency in [100] * 50 + [10_000] * 3:
        b.record(attempted(b.permit(), "success", first_token=latency))
    (event,) = b.events()
    assert (event["type"], event["until_ms"]) == ("provider-deprioritised", str(b.now + 15 * SECOND))
    assert b.fields()["deprioritised_until"] == b.now + 15 * SECOND


def test_an_override_ends_at_its_millisecond(b):
    b.control("open", 1.001)
    (event,) = b.events()
    assert event["until_ms"] == str(b.fields()["override_until"]) == str(b.now + 1001)
    b.after(1000)
    assert b.acquire().wait == 0.001
    b.after(1)
    assert b.acquire().kind == "next"


def test_a_task_s_lease_and_its_next_message_are_due_at_their_millisecond(b):
    began, key = b.now, b.store.keys.task("task")
    b.store.run(lease.begin(b.store, "task", "mine", 0))
    assert int(b.server.hget(key, "until")) == began + 15 * SECOND
    b.after(1)
    assert b.store.run(lease.begin(b.store, "task", "mine", 0))[0][1:3] == [began + 1, began]
    b.store.run(b.store.script("renew", [key], 15 * SECOND, 60, "mine"))
    assert int(b.server.hget(key, "until")) == began + 1 + 15 * SECOND
    b.store.run(lease.pause(b.store, "task", "mine", 1, 2.001))
    assert int(b.server.hget(key, "due")) == began + 1 + 2001


def test_the_server_s_own_time_is_whole_milliseconds(every_redis):
    store = store_with(url(every_redis))
    for _ in range(20):  # with a fraction, the first generation returned would not be the one that is stored
        every_redis.delete(store.keys.breaker("alpha"))
        assert record(store, acquire(store), "success") == 1


def test_every_number_stored_is_whole(b):
    b.trip()
    b.reopen()
    stored = b.server.hgetall(b.key()).items()
    assert [value for field, value in stored if BLANK[field] == 0 and not re.fullmatch(r"-?\d+", value)] == []


def test_the_registry_keeps_milliseconds_through_its_json(every_redis):
    b = ClockedBreaker(every_redis)
    b.at(TODAY)
    for listed in [(Listed("a-model"),), ()]:
        b.store.run(*model_registry.update(b.store, "alpha", Listing(listed, whole=True)))
        b.after(1)
    (model,) = model_registry.models(b.store, "alpha")
    assert (model.status, model.first_seen, model.last_seen) == ("missing", TODAY / 1000, TODAY / 1000)


def test_scripts_call_only_what_each_server_has(every_redis):
    texts = [script.text for script in scripts({"alpha": provider("alpha")}).values()]
    called = {call for text in texts for call in CALL.findall(text)}
    assert {library for library, _ in called} <= LIBRARIES
    for library, function in called:
        assert every_redis.eval(f"return type({library}.{function})", 0) == "function", (library, function)

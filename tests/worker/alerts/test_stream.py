"""The scripts write chosen events to the stream of alerts, in the step that writes the event."""

import pytest

from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import url
from tests.worker.alerts.bed import PROVIDERS, receiver, sending, store_with
from worker.admission.breaker import control, snapshot
from worker.alerts.inbox import Inbox
from worker.store.scripts import scripts
from worker.telemetry.counters import counters
from worker.telemetry.events import since

NOWHERE = "http://127.0.0.1:9/"
STREAM = "{fallback}:2:alerts"


def alerts(redis):
    return [(fields["type"], fields["provider"]) for _, fields in redis.xrange(STREAM)]


def fill(redis, number, kind="slow-began"):
    with redis.pipeline(transaction=False) as pipeline:
        for i in range(number):
            pipeline.xadd(STREAM, {"type": kind, "provider": "alpha", "at_ms": "1"}, id=f"{i + 1}-0")
        pipeline.execute()


def test_without_a_receiver_no_script_knows_of_alerts_and_nothing_is_written(redis):
    store = store_with(url(redis))
    control(store, "alpha", "open", by="test")
    assert not redis.exists(STREAM)
    texts = [script.text for script in scripts(PROVIDERS).values()]
    assert not any("alerts_dropped" in text or "ALERTS" in text.replace("ALERTS, by", "") for text in texts)


def test_a_chosen_event_is_written_with_all_its_fields_and_no_other(every_redis):
    store = store_with(url(every_redis), ops=receiver(NOWHERE, events=("circuit-breaker-forced-open",)))
    for action in ("open", "closed", "reset"):
        control(store, "alpha", action, seconds=60, by="ann")
    assert alerts(every_redis) == [("circuit-breaker-forced-open", "alpha"), ("circuit-breaker-reset", "alpha")]
    written, event = every_redis.xrange(STREAM)[0][1], every_redis.xrange(store.keys.events)[0][1]
    assert written == event


def test_who_may_not_write_alerts_or_counts_changes_breakers_all_the_same_and_the_sender_says_so(every_redis, caplog):
    every_redis.execute_command("ACL", "SETUSER", "guest", "on", ">hidden", "~*", "&*", "+@all", "-xlen")
    try:
        ops = receiver(NOWHERE)
        store = store_with(url(every_redis).replace("redis://", "redis://guest:hidden@"), ops=ops)
        every_redis.set(store.keys.metrics, "no hash")
        control(store, "alpha", "open", by="test")
        assert snapshot(store, ["alpha"])[0].override == "open"
        assert [event["type"] for event in since(store)[1]] == ["circuit-breaker-forced-open"]
        with sending(store, "ops", ops):
            wait_until(lambda: "alerts-missed receiver=ops error=ResponseError" in caplog.text)
    finally:
        every_redis.execute_command("ACL", "DELUSER", "guest")


def test_the_stream_has_what_any_receiver_chose(redis):
    one, other = (receiver(NOWHERE, events=(f"circuit-breaker-forced-{word}",)) for word in ("open", "closed"))
    store = store_with(url(redis), one=one, other=other)
    for action in ("open", "closed"):
        control(store, "alpha", action, by="ann")
    assert len(alerts(redis)) == 2


def test_what_leaves_the_full_stream_before_a_receiver_has_it_is_counted(redis):
    chosen = {"events": ("circuit-breaker-forced-open", "slow-began")}
    here, there, deaf = receiver(NOWHERE, **chosen), receiver(NOWHERE, **chosen), receiver(NOWHERE, events=())
    store = store_with(url(redis), here=here, there=there, deaf=deaf)
    fill(redis, 10_000)
    for name, cursor in (("here", "0-0"), ("there", "2-0"), ("deaf", "0-0")):
        redis.hset(store.keys.alerts_of(name), "cursor", cursor)
    for _ in range(3):
        control(store, "alpha", "open", by="ann")
    assert redis.xlen(STREAM) == 10_000
    assert counters(store)["alerts_dropped"] == 3 + 1  # `there` had the first two of the three that left


def test_a_new_receiver_gets_what_happens_from_now_on(every_redis):
    store = store_with(url(every_redis), ops=receiver(NOWHERE))
    control(store, "alpha", "open", by="ann")
    newest = int(every_redis.xrevrange(STREAM, count=1)[0][0].split("-")[0])
    wait_until(lambda: every_redis.time()[0] * 1000 + every_redis.time()[1] // 1000 > newest + 1)
    inbox = Inbox(store, "ops")
    assert inbox.receive().entries == []
    control(store, "beta", "open", by="ann")
    (entry,) = inbox.receive().entries
    assert entry[1]["provider"] == "beta"
    assert entry[1]["type"] == "circuit-breaker-forced-open"


def test_one_process_has_the_lease_until_it_leaves_or_dies(every_redis):
    store = store_with(url(every_redis), ops=receiver(NOWHERE))
    first, second = Inbox(store, "ops"), Inbox(store, "ops")
    assert first.receive()
    assert second.receive() is None
    assert not second.write(written={"cursor": "9-0"})
    assert first.write(written={"cursor": "5-0"})
    first.leave()
    assert second.receive().fields["cursor"] == "5-0"
    every_redis.delete(store.keys.alerts_sender("ops"))  # as it runs out
    assert first.receive()
    assert not second.write()


@pytest.mark.parametrize("key", ["alerts_of", "alerts_sender"])
def test_what_is_kept_for_a_receiver_expires(redis, key):
    store = store_with(url(redis), ops=receiver(NOWHERE))
    Inbox(store, "ops").receive()
    assert redis.ttl(getattr(store.keys, key)("ops")) > 0

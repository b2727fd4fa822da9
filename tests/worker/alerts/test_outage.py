"""A receiver that is killed, and back after an outage in which more happened than the stream keeps."""

from collections import defaultdict

import pytest

from tests.length import at_length
from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import CHAIN, url
from tests.worker.alerts.bed import receiver, sending, store_with
from tests.worker.alerts.receiving import receiving
from worker.admission.breaker import control
from worker.alerts import sender as module
from worker.alerts.inbox import Inbox
from worker.telemetry.counters import counters


def at(entry):
    return tuple(map(int, entry.removeprefix("fallback-").split("-")))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("number", "most"), [(300, 100), pytest.param(20_000, 10_000, marks=at_length)], ids=["300", "20,000"]
)
def test_after_an_outage_each_alert_is_delivered_in_order_or_counted_as_dropped(
    redis, number, most, monkeypatch, record_property
):
    monkeypatch.setattr(module, "IDLE", 0.02)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.2)
    kinds = ("circuit-breaker-forced-open", "circuit-breaker-reset")
    with receiving() as hook:
        ops = receiver(hook.url, events=kinds)
        store = store_with(url(redis), most=most, ops=ops)
        inbox = Inbox(store, "ops")
        inbox.receive()
        inbox.leave()

        def happen(first, last):
            for i in range(first, last):
                name = CHAIN[i % 3]
                control(store, name, ("open", "reset", "closed")[i // 3 % 3], by=str(i))  # `closed` is not chosen

        with sending(store, "ops", ops):
            happen(0, 30)
            wait_until(lambda: len(hook.taken) >= 10)
            hook.kill()
            happen(30, number)
            with receiving(hook.server_port) as back:
                newest = redis.xrevrange(store.keys.alerts, count=1)[0][0]
                wait_until(lambda: redis.hget(store.keys.alerts_of("ops"), "cursor") == newest, seconds=600)
    taken = hook.taken + back.taken
    chosen = sum(i // 3 % 3 < 2 for i in range(number))
    dropped = counters(store)["alerts_dropped"]
    assert dropped > 0
    # One more where the receiver died with an alert that it had taken and not answered: it counts as dropped as well.
    assert len({message["id"] for message in taken}) + dropped in (chosen, chosen + 1)
    by_provider = defaultdict(list)
    for message in taken:
        by_provider[message["data"]["subject"]].append(at(message["id"]))
    for ids in by_provider.values():
        assert list(dict.fromkeys(ids)) == sorted(set(ids))
    repeated = len(taken) - len({message["id"] for message in taken})
    record_property("counted", f"{number} events: {len(taken)} delivered, {repeated} of them twice, {dropped} dropped")

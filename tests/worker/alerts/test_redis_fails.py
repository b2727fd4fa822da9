"""What a receiver gets while Redis itself fails, of which Redis can keep nothing."""

from functools import partial

import pytest
from redis import Redis

from config.settings import load
from tests.waiting import wait_until
from tests.worker.alerts.bed import receiver, sending, store_with
from tests.worker.alerts.receiving import receiving
from worker.alerts import blind, sender
from worker.alerts.inbox import Inbox
from worker.diagnosis.problems import Problem, problems

DOWN = Problem("redis-down", "", "Redis does not answer", None, "start it", "critical")
FAILURES = {
    "redis-down": (lambda server: server.process.kill(), lambda server: server.process.start()),
    "redis-full": (
        lambda server: Redis.from_url(server.url).config_set("maxmemory", 1),
        lambda server: Redis.from_url(server.url).config_set("maxmemory", 0),
    ),
    "redis-refuses-writes": (
        lambda server: Redis.from_url(server.url).replicaof("127.0.0.1", "1"),
        lambda server: Redis.from_url(server.url).replicaof("NO", "ONE"),
    ),
}


@pytest.fixture
def hook():
    with receiving() as hook:
        yield hook


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(sender, "IDLE", 0.02)
    monkeypatch.setattr(blind, "LOOK_EVERY", 0.3)


def sends_to(hook, server, **fields):
    """Returns a sender's context; its receiver wants nothing but problems of Redis."""
    ops = receiver(hook.url, problems=tuple(FAILURES), **fields)
    store = store_with(server.url, ops=ops)
    look = partial(problems, load({"REDIS_URL": server.url}), store)
    return store, sending(store, "ops", ops, look)


def has_lease(store):
    return store.redis.exists(store.keys.alerts_sender("ops"))


@pytest.mark.parametrize("kind", FAILURES)
def test_it_is_told_once_and_so_is_its_end(own_server, hook, kind):
    fail, heal = FAILURES[kind]
    store, run = sends_to(hook, own_server)
    with run as sending_one:
        wait_until(lambda: sending_one._has_lease)
        fail(own_server)
        wait_until(lambda: hook.taken)
        heal(own_server)
        wait_until(lambda: len(hook.taken) == 2)
        wait_until(lambda: has_lease(store))
    began, ended = hook.taken
    assert [(each["type"], each["data"]["status"]) for each in (began, ended)] == [
        *((kind, "alert"), (kind, "recovered")),
    ]
    assert began["data"]["cure"]
    assert (ended["data"]["ends"], ended["id"]) == ([began["id"]], f"{began['id']}-ended")


def test_it_is_sent_again_under_its_id_until_it_is_taken(own_server, hook, monkeypatch):
    monkeypatch.setattr(sender, "_pause", lambda *_: 0.02)
    hook.status = 503
    _, run = sends_to(hook, own_server)
    with run as sending_one:
        wait_until(lambda: sending_one._has_lease)
        own_server.process.kill()
        wait_until(lambda: len(hook.refused) >= 3)
        hook.status = 200
        wait_until(lambda: hook.taken)
    assert {*hook.refused} == {hook.taken[0]["id"]}


def test_a_short_outage_alerts_nobody_and_no_end_is_told_without_recovery(own_server, hook, monkeypatch):
    _, run = sends_to(hook, own_server, recovery=False)
    with run as sending_one:
        wait_until(lambda: sending_one._has_lease)
        with monkeypatch.context() as long:
            long.setattr(blind, "LOOK_EVERY", 60.0)
            own_server.process.kill()
            wait_until(lambda: sending_one._is_cut_off)
            own_server.process.start()
            wait_until(lambda: not sending_one._is_cut_off)
        own_server.process.kill()
        wait_until(lambda: hook.taken)
        own_server.process.start()
        wait_until(lambda: not sending_one._redis._sent)
    assert hook.types() == [("redis-down", "")]


def test_a_process_that_had_no_lease_sends_nothing(own_server, hook, monkeypatch):
    monkeypatch.setattr(blind, "LOOK_EVERY", 0.0)
    ops = receiver(hook.url)
    store = store_with(own_server.url, ops=ops)
    assert Inbox(store, "ops").receive()
    second = sender.Sender(store, "fallback", "ops", ops, lambda: [DOWN])
    second.turn()
    own_server.process.kill()
    assert [second.turn() for _ in range(3)] == [sender.IDLE] * 3
    assert hook.taken == []

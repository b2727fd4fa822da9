"""A sender and a real receiver: signed, at least once, in order, and a receiver that fails, hangs or is gone."""

import logging

import pytest

from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import url
from tests.worker.alerts.bed import receiver, sending, store_with
from tests.worker.alerts.receiving import PATH, SECRET, receiving
from worker.admission.breaker import control
from worker.alerts import sender as module
from worker.alerts.inbox import Inbox


@pytest.fixture
def hook():
    with receiving() as hook:
        yield hook


class Bed:
    """A receiver that is known already, and its store."""

    def __init__(self, redis, hook, **fields):
        self.redis, self.hook = redis, hook
        self.receiver = receiver(hook.url, **{"timeout": 0.3} | fields)
        self.store = store_with(url(redis), ops=self.receiver)
        inbox = Inbox(self.store, "ops")
        inbox.receive()
        inbox.leave()

    def sending(self):
        return sending(self.store, "ops", self.receiver)

    def force(self, *providers, action="open"):
        for name in providers:
            control(self.store, name, action, by="ann")

    def is_done(self):
        """Says whether the cursor stands at the last alert."""
        newest = self.redis.xrevrange(self.store.keys.alerts, count=1)
        return newest and self.redis.hget(self.store.keys.alerts_of("ops"), "cursor") == newest[0][0]


@pytest.fixture
def bed(redis, hook):
    return Bed(redis, hook)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "IDLE", 0.02)


def test_alerts_arrive_signed_in_order_once(bed, hook):
    bed.force("alpha", "beta", "alpha", "gamma")
    bed.force("beta", action="reset")
    with bed.sending():
        wait_until(bed.is_done)
    forced = "circuit-breaker-forced-open"
    assert hook.types() == [(forced, "alpha"), (forced, "beta"), (forced, "gamma"), ("circuit-breaker-reset", "beta")]
    first, last = hook.taken[1], hook.taken[-1]
    assert (last["data"]["status"], last["data"]["ends"]) == ("recovered", [first["id"]])
    assert first["id"].startswith("fallback-")


@pytest.mark.parametrize("status", [500, 429, 404, 301])
def test_an_alert_is_sent_again_under_its_id_until_it_is_taken(bed, hook, status, monkeypatch):
    monkeypatch.setattr(module, "_pause", lambda *_: 0.02)
    hook.status, hook.headers = status, {"Location": "/elsewhere"}
    bed.force("alpha", "beta")
    with bed.sending():
        wait_until(lambda: len(hook.refused) >= 3)
        assert not bed.is_done()
        hook.status = 200
        wait_until(bed.is_done)
    assert set(hook.refused) == {hook.taken[0]["id"]}
    assert [subject for _, subject in hook.types()] == ["alpha", "beta"]


def test_a_hanging_receiver_is_given_up_after_its_timeout_and_asked_again(bed, hook, monkeypatch):
    monkeypatch.setattr(module, "_pause", lambda *_: 0.02)
    hook.answers.clear()
    bed.force("alpha")
    with bed.sending() as sender:
        wait_until(lambda: sender._failures)
        hook.answers.set()
        wait_until(bed.is_done)


def test_a_receiver_that_is_not_there_gets_its_alerts_when_it_is(redis, hook, monkeypatch):
    monkeypatch.setattr(module, "_pause", lambda *_: 0.02)
    bed = Bed(redis, hook)
    port = hook.server_port
    hook.kill()
    bed.force("alpha", "beta")
    with bed.sending() as sender:
        wait_until(lambda: sender._failures)
        with receiving(port) as back:
            wait_until(bed.is_done)
            assert [subject for _, subject in back.types()] == ["alpha", "beta"]


def test_slack_gets_text(redis, hook):
    bed = Bed(redis, hook, format="slack")
    bed.force("alpha")
    with bed.sending():
        wait_until(bed.is_done)
    cure = "when done: fallback breaker reset alpha"
    assert hook.taken[0]["text"] == f":rotating_light: alpha: circuit-breaker-forced-open (ann); {cure}"


@pytest.mark.parametrize(
    ("reply", "failures", "least", "most"),
    [
        (module.Reply("500"), 1, 0.75, 1),
        (module.Reply("500"), 4, 6, 8),
        (module.Reply("ConnectError"), 40, 45, 60),
        (module.Reply("429", retry_after=90), 1, 90, 90),
        (module.Reply("503", retry_after=0.1), 3, 3, 4),
        (module.Reply("429", retry_after=1e9), 1, 3600, 3600),
        (module.Reply("410", is_gone=True), 1, 3600, 3600),
    ],
)
def test_the_pause_doubles_up_to_a_minute_and_heeds_retry_after(reply, failures, least, most):
    assert least <= module._pause(reply, failures) <= most


def test_another_sender_goes_on_where_one_left(bed, hook):
    bed.force("alpha")
    with bed.sending(), bed.sending():
        wait_until(bed.is_done)
        bed.force("beta")
        wait_until(bed.is_done)
    with bed.sending():
        bed.force("gamma")
        wait_until(bed.is_done)
    assert [subject for _, subject in hook.types()] == ["alpha", "beta", "gamma"]


def test_a_sender_that_lost_its_lease_writes_nothing(bed, hook):
    bed.force("alpha", "beta")
    hook.answers.clear()
    with bed.sending() as sender:
        wait_until(lambda: sender._posting_since)
        bed.redis.set(bed.store.keys.alerts_sender("ops"), "another")
        hook.answers.set()
        wait_until(lambda: not sender._has_lease)
        assert not bed.is_done()
        bed.redis.delete(bed.store.keys.alerts_sender("ops"))
        wait_until(bed.is_done)
    assert {subject for _, subject in hook.types()} == {"alpha", "beta"}


def test_neither_address_nor_secret_is_logged(bed, hook, caplog):
    caplog.set_level(logging.DEBUG)
    hook.status = 410
    bed.force("alpha")
    with bed.sending():
        wait_until(lambda: hook.refused)
        wait_until(lambda: "answer=410 next_try=3600s" in caplog.text)
    assert PATH not in caplog.text
    assert SECRET not in caplog.text

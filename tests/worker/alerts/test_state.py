"""Which events a receiver gets: the same alert once in five minutes, and its recovery."""

import pytest

from config.alerts import Receiver
from worker.alerts.state import REPEAT_AFTER_MS, Alerted

T0 = 1_700_000_000_000


def event(kind, provider="claude", at=0, **fields):
    return {"type": kind, "provider": provider, "at_ms": str(T0 + at), **fields}


def receiver(**fields):
    return Receiver(url_env="U", secret_env="S", **fields)


OPENED = event("circuit-breaker-open", cause="failure-rate")
CLOSED = event("circuit-breaker-closed", at=1)


class Log:
    """Passes events as a sender does; after each the state is read again, as by another process."""

    def __init__(self, receiver):
        self.receiver, self.fields, self.sent = receiver, {}, []

    def take(self, *events):
        for each in events:
            alerted = Alerted(self.fields)
            id_ = str(len(self.sent)) if alerted.is_wanted(each, self.receiver) else ""
            if id_:
                self.sent.append((each["type"], alerted.ended_by(each)))
            alerted.note(each, id_)
            removed, written = alerted.changes()
            self.fields = {name: value for name, value in self.fields.items() if name not in removed} | written
        return [kind for kind, _ in self.sent]


def test_the_same_alert_is_sent_once_in_five_minutes():
    log = Log(receiver())
    repeated = [{**OPENED, "at_ms": str(T0 + at)} for at in (0, 1, REPEAT_AFTER_MS - 1, REPEAT_AFTER_MS)]
    assert log.take(*repeated) == ["circuit-breaker-open"] * 2


@pytest.mark.parametrize(
    "other",
    [{"cause": "stalled"}, {"provider": "openai"}, {"type": "provider-unhealthy"}],
    ids=["cause", "provider", "type"],
)
def test_another_cause_provider_or_type_is_another_alert(other):
    assert len(Log(receiver()).take(OPENED, {**OPENED, **other})) == 2


def test_after_its_recovery_it_is_sent_again():
    opened = {**OPENED, "at_ms": str(T0 + 2)}
    assert Log(receiver()).take(OPENED, CLOSED, opened) == [
        *("circuit-breaker-open", "circuit-breaker-closed", "circuit-breaker-open"),
    ]


def test_a_recovery_names_the_alerts_that_it_ends():
    log = Log(receiver())
    log.take(OPENED, {**OPENED, "cause": "stalled"}, event("circuit-breaker-open", "openai"), CLOSED)
    assert log.sent[-1] == ("circuit-breaker-closed", ["0", "1"])


def test_a_recovery_of_nothing_is_sent_only_if_it_was_chosen():
    assert Log(receiver(events=("circuit-breaker-open",))).take(CLOSED) == []
    assert Log(receiver()).take(CLOSED, CLOSED) == ["circuit-breaker-closed"]


def test_what_ends_a_chosen_event_is_sent_although_it_was_not_chosen():
    chosen = {"events": ("circuit-breaker-open",)}
    assert Log(receiver(**chosen)).take(OPENED, CLOSED, CLOSED) == ["circuit-breaker-open", "circuit-breaker-closed"]
    assert Log(receiver(**chosen, recovery=False)).take(OPENED, CLOSED, OPENED) == ["circuit-breaker-open"] * 2


def test_what_was_not_chosen_is_not_sent():
    assert Log(receiver(events=("slow-began",))).take(OPENED, event("message-quarantined", "")) == []


def test_a_reset_by_hand_ends_whatever_was_wrong():
    log = Log(receiver())
    log.take(OPENED, event("provider-auth-locked", cause="authentication"), event("circuit-breaker-reset", by="ann"))
    assert log.sent[-1] == ("circuit-breaker-reset", ["0", "1"])


def test_what_has_no_end_is_forgotten_after_five_minutes():
    log = Log(receiver())
    log.take(event("message-quarantined", "", cause="ValueError"), OPENED)
    log.take(event("provider-recovered", at=REPEAT_AFTER_MS))
    assert [name.split(":")[1] for name in log.fields] == ["circuit-breaker-open", "provider-recovered"]


def test_what_has_not_ended_is_forgotten_after_thirty_days():
    log = Log(receiver())
    log.take(event("worker-clock-skewed", "", worker="a-pod-of-long-ago"), event("provider-unhealthy", at=1))
    log.take(event("circuit-breaker-open", "openai", at=30 * 86_400_000))
    assert [name.split(":")[1] for name in log.fields] == ["provider-unhealthy", "circuit-breaker-open"]


def test_a_name_with_a_newline_is_one_field():
    log = Log(receiver())
    log.take(event("circuit-breaker-forced-open", by="a\nb:c"))
    assert len(log.fields) == 1
    assert "\n" not in next(iter(log.fields))


def test_a_worker_s_clock_is_of_that_worker_alone():
    one, other = (event("worker-clock-skewed", "", worker=name, offset_ms="2500") for name in ("w1", "w2"))
    log = Log(receiver())
    log.take(one, other, event("worker-clock-steady", "", worker="w2"))
    assert log.sent[-1] == ("worker-clock-steady", ["1"])

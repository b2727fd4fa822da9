"""Problems that no event reports: sent once they stand, and once they have ended."""

import json
from dataclasses import replace

import pytest

from config.alerts import PROBLEMS
from docs.generators.docstrings import table
from docs.generators.tables import code
from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import url
from tests.worker.alerts.bed import receiver, sending, store_with
from tests.worker.alerts.receiving import receiving
from worker.alerts import sender as module
from worker.alerts.problems import changes
from worker.diagnosis.problems import Problem

DOWN = Problem("chain-down", "default", "no provider admits", 1.7e9, "add credit", "critical")
OLD = Problem("queue-old", "", "a completion waits for 40 s", None, "add workers")
GONE = Problem("redis-down", "", "Redis does not answer", None, "start it", "critical")


class Log:
    """What a receiver gets of one look after the other."""

    def __init__(self, **fields):
        self.receiver, self.fields, self.now = receiver("http://x/", **fields), {}, 1.7e9 + 100

    def look(self, *found):
        self.now += 10
        sent = []
        for change in changes("fallback", self.receiver, found, dict(self.fields), self.now):
            if change.message:
                sent.append((change.message.type, change.message.status))
                self.last = change.message
            self.fields.pop(change.name, None)
            if change.value:
                self.fields[change.name] = change.value
        return sent


def test_a_problem_is_sent_at_the_second_look_and_its_end_at_the_second_without_it():
    log = Log()
    assert [log.look(*found) for found in ([DOWN], [DOWN], [DOWN], [], [], [])] == [
        *([], [("chain-down", "alert")], [], [], [("chain-down", "recovered")], []),
    ]
    assert log.fields == {}


def test_what_comes_and_goes_alerts_nobody():
    log = Log()
    assert [log.look(*found) for found in ([DOWN], [], [DOWN], [])] == [[]] * 4
    log.look(DOWN)
    assert log.look(DOWN) == [("chain-down", "alert")]
    assert [log.look(*found) for found in ([], [DOWN], [], [DOWN])] == [[]] * 4


def test_the_message_has_the_cure_and_its_end_names_it():
    log = Log()
    log.look(DOWN)
    log.look(replace(DOWN, what="no provider admits any more"))
    began = log.last
    body = json.loads(began.standard())
    assert body["timestamp"] == "2023-11-14T22:13:20.000Z"
    assert (body["data"]["cure"], body["data"]["details"]) == ("add credit", {"severity": "critical"})
    log.look()
    log.look()
    assert (log.last.id, log.last.ends) == (f"{began.id}-ended", (began.id,))


def test_what_was_not_chosen_is_not_sent_and_no_end_without_recovery():
    assert [Log(problems=("queue-old",)).look(DOWN) for _ in range(2)] == [[], []]
    log = Log(recovery=False)
    assert [log.look(*found) for found in ([OLD], [OLD], [], [])] == [[], [("queue-old", "alert")], [], []]
    assert log.fields == {}


def test_nothing_ends_while_redis_cannot_be_asked():
    log = Log()
    log.look(DOWN)
    log.look(DOWN)
    assert [log.look(GONE) for _ in range(3)] == [[]] * 3
    assert log.fields


def test_the_kinds_are_those_of_the_diagnosis():
    known = {name for row in table("worker.diagnosis.problems").rows for name in row[0].replace("`", "").split(", ")}
    assert set(PROBLEMS) <= known
    assert code(table("worker.diagnosis.problems").rows[0][0]) == "redis-down"


@pytest.mark.parametrize("subject", ["default", "w\u00f6rker \u2116 1@host"])
def test_a_sender_sends_problems_under_one_id_until_they_are_taken(redis, monkeypatch, subject):
    monkeypatch.setattr(module, "IDLE", 0.02)
    monkeypatch.setattr(module, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(module, "_pause", lambda *_: 0.02)
    found = [replace(DOWN, subject=subject)]
    with receiving() as hook:
        hook.status = 503
        ops = receiver(hook.url)
        with sending(store_with(url(redis), ops=ops), "ops", ops, lambda: tuple(found)):
            wait_until(lambda: len(hook.refused) >= 2)
            hook.status = 200
            wait_until(lambda: hook.taken)
            found.clear()
            wait_until(lambda: len(hook.taken) == 2)
        assert len({*hook.refused, hook.taken[0]["id"]}) == 1
        assert [(each["data"]["subject"], each["data"]["status"]) for each in hook.taken] == [
            *((subject, "alert"), (subject, "recovered")),
        ]
        assert hook.taken[1]["data"]["ends"] == [hook.taken[0]["id"]]

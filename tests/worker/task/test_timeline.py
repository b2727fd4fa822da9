"""The spans of a completion, from what Redis keeps of it."""

from dataclasses import replace
from typing import Any

import pytest

from worker.task.about import About, parse
from worker.task.inspection import History, history
from worker.task.journal import Entry, RoundStart
from worker.task.timeline import Span, earlier, timeline

QUEUED, FIRST = 1000.0, 1002.0
FAILED = Entry("claude", "overloaded", FIRST, "claude-1", "busy", 529, 1000.0)
ANSWERED = Entry("openai", "success", FIRST + 1.01, "gpt", latency_ms=500.0, first_token_ms=90.0)
HISTORY = History(
    state="answered",
    due=0.0,
    asking=(),
    before=(),
    lines=(),
    crashed=(),
    report={},
    failure=(),
    duplicates=(),
    about=About("default", QUEUED, QUEUED + 600, 600.0),
    now=FIRST + 100,
    first=FIRST,
    paused=0.0,
    ended=FIRST + 2,
)


def skipped(provider: str, at: float, reason: str = "open", until: float | None = None) -> Entry:
    return Entry(provider, "skipped", at, reason=reason, until=until)


def event(kind: str, provider: str, at: float, **fields: Any) -> dict[str, str]:
    return {"type": kind, "provider": provider, "at_ms": f"{at * 1000:.0f}"} | {k: str(v) for k, v in fields.items()}


def short(spans: list[Span]) -> list[tuple[str, float, float | None]]:
    return [(s.kind, round(s.start - QUEUED, 3), s.end and round(s.end - QUEUED, 3)) for s in spans]


def test_queue_and_attempts_follow_each_other_without_a_gap():
    spans = timeline(replace(HISTORY, lines=(FAILED, ANSWERED)))
    assert short(spans) == [("queue", 0.0, 2.0), ("attempt", 2.0, 3.0), ("attempt", 3.01, 3.51)]
    assert spans[2].fields == {
        "provider": "openai",
        "outcome": "success",
        "model": "gpt",
        "latency_ms": 500.0,
        "first_token_ms": 90.0,
    }


def test_a_message_sent_by_name_has_no_queue_span():
    spans = timeline(replace(HISTORY, about=About("default"), lines=(FAILED,), ended=FIRST + 1))
    assert short(spans) == [("attempt", 2.0, 3.0)]


RETRIED = replace(FAILED, at=FIRST + 5)


@pytest.mark.parametrize(
    ("between", "kinds"),
    [
        ((), ["backoff"]),
        ((skipped("openai", FIRST + 1.01), RoundStart(fresh=False)), ["skipped", "backoff"]),
        ((skipped("openai", FIRST + 1.01), RoundStart(fresh=True)), ["skipped", "parked"]),
        ((skipped("openai", FIRST + 1.01, "bulkhead"),), ["skipped", "backoff"]),
        ((skipped("openai", FIRST + 1.01),), ["skipped", "parked"]),
    ],
)
def test_the_lines_before_a_gap_say_what_it_was(between: tuple[Any, ...], kinds: list[str]):
    spans = timeline(replace(HISTORY, lines=(FAILED, *between, RETRIED), ended=FIRST + 6))
    assert [span.kind for span in spans[2:-1]] == kinds


def test_after_an_attempt_that_a_shutdown_ended_the_message_waits_in_the_queue():
    cut = replace(FAILED, outcome="cut-short", reason="shutdown")
    assert short(timeline(replace(HISTORY, lines=(cut, RETRIED), ended=FIRST + 6)))[2] == ("queue", 3.0, 7.0)


def test_a_backoff_whose_length_the_events_have_ends_when_its_message_was_due():
    retry = event("request-failure", "claude", FIRST + 1, decision="retry", countdown_ms=1500, failure="overloaded 529")
    spans = timeline(replace(HISTORY, lines=(FAILED, RETRIED), ended=FIRST + 6), events=[retry])
    assert short(spans)[2:4] == [("backoff", 3.0, 4.5), ("queue", 4.5, 7.0)]


def test_those_skipped_at_one_moment_are_in_the_chains_order():
    lines = (skipped("openai", FIRST, "not configured: no API key"), skipped("claude", FIRST + 0.004), ANSWERED)
    spans = timeline(replace(HISTORY, lines=lines), ("claude", "llama_cpp", "openai"))
    assert [span.fields["provider"] for span in spans if span.kind == "skipped"] == ["claude", "openai"]


def test_a_skipped_provider_has_the_failure_that_opened_its_breaker():
    events = [  # the newest first
        event("request-failure", "claude", FIRST + 9, failure="overloaded 529", decision="next"),
        event("request-failure", "claude", FIRST - 60, failure="quota-exhausted 429", decision="next"),
        event("circuit-breaker-open", "claude", FIRST - 60, cause="quota-exhausted"),
        event("circuit-breaker-open", "claude", FIRST - 900, cause="consecutive-failures"),
    ]
    [_, span, *_] = timeline(replace(HISTORY, lines=(skipped("claude", FIRST, until=FIRST + 540),)), events=events)
    assert span.fields == {
        "provider": "claude",
        "reason": "open",
        "until": FIRST + 540,
        "cause": "quota-exhausted 429",
    }


@pytest.mark.parametrize(
    ("reason", "change", "cause"),
    [
        ("open", event("circuit-breaker-open", "claude", FIRST - 1, cause="stalled"), "stalled"),
        ("forced-open", event("circuit-breaker-forced-open", "claude", FIRST - 1, by="alice"), "alice"),
        (
            "authentication",
            event("provider-auth-locked", "claude", FIRST - 1, cause="authentication"),
            "authentication",
        ),
        ("rate-limited", event("request-failure", "claude", FIRST - 1, failure="rate-limited 429"), "rate-limited 429"),
        ("incapable: no tools", event("circuit-breaker-open", "claude", FIRST - 1, cause="stalled"), None),
        ("open", event("circuit-breaker-open", "openai", FIRST - 1, cause="stalled"), None),
    ],
)
def test_each_reason_has_its_cause_if_the_events_still_have_it(reason: str, change: dict[str, str], cause: str | None):
    spans = timeline(replace(HISTORY, lines=(skipped("claude", FIRST, reason),)), events=[change])
    assert spans[1].fields.get("cause") == cause


def test_the_attempt_in_progress_has_no_end_yet():
    asking = (Entry("openai", "worker-died", FIRST + 1.2),)
    found = replace(HISTORY, state="in progress", ended=0.0, lines=(FAILED,), asking=asking)
    assert short(timeline(found))[2:] == [("backoff", 3.0, 3.2), ("attempt", 3.2, None)]


def test_a_parked_completion_is_parked_since_it_was_released():
    lines = (FAILED, skipped("openai", FIRST + 1.01), RoundStart(fresh=True))
    found = replace(HISTORY, state="parked", ended=0.0, lines=lines, paused=FIRST + 1.02)
    assert short(timeline(found))[-1] == ("parked", 3.02, None)


def test_a_completion_between_two_messages_backs_off_until_the_next():
    found = replace(HISTORY, state="due", ended=0.0, lines=(FAILED,), paused=FIRST + 1.01, due=FIRST + 3)
    assert short(timeline(found))[-1] == ("backoff", 3.01, 5.0)


def test_a_scheduled_completion_has_one_span_until_it_is_due():
    found = replace(HISTORY, state="scheduled", first=0.0, ended=0.0, about=About(), due=FIRST + 200)
    assert short(timeline(found)) == [("scheduled", 102.0, 202.0)]


def test_an_attempt_that_crashed_lasts_until_the_next_line_at_most():
    crashed = Entry("claude", "worker-died", FIRST, reason="its worker died", billed="unknown")
    spans = timeline(replace(HISTORY, crashed=(crashed,), lines=(replace(ANSWERED, at=FIRST + 16),)))
    assert short(spans)[1:] == [("attempt", 2.0, 18.0), ("attempt", 18.0, 18.5)]


def test_what_failed_while_it_was_parked_was_parked_until_then():
    lines = (skipped("claude", FIRST), skipped("openai", FIRST), RoundStart(fresh=True))
    found = replace(HISTORY, state="failed", lines=lines, ended=FIRST + 60)
    assert short(timeline(found))[-1] == ("parked", 2.0, 62.0)


def test_a_duplicate_answer_is_a_span_of_its_own():
    duplicate = {"provider": "claude", "model": "c", "at": FIRST + 1, "latency_ms": 9000.0, "tokens": None}
    assert ("duplicate", 3.0, 12.0) in short(timeline(replace(HISTORY, duplicates=(duplicate,))))


def test_what_came_before_a_replay_is_kept_apart():
    found = replace(HISTORY, before=(FAILED,), lines=(ANSWERED,))
    assert [span.fields["provider"] for span in earlier(found)] == ["claude"]
    assert "claude" not in str(timeline(found))


@pytest.mark.parametrize("about", [About(), About("own chain", 1.5, 0.0, 600.0), About("default", 1.25, 2.5, 1.25)])
def test_what_a_message_says_is_read_as_it_was_written(about: About):
    assert parse(str(about)) == about


def test_when_a_task_was_released_is_read_whatever_word_stands_before_it(store):
    store.redis.hset(store.keys.task("task"), mapping={"paused": "parked 5000", "ended": "7000", "due": ""})
    found = history(store, "task")
    assert (found.paused, found.ended, found.due) == (5.0, 7.0, 0.0)

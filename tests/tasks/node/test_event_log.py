"""The fleet's events in a worker's log, each with its cure."""

import logging
import re

import pytest

from config.settings import load
from tasks.node.event_log import MOST, EventLog, line, report_missing
from worker.admission import breaker
from worker.store.store import Store
from worker.telemetry.cures import cure

UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture
def store(clean_environment: dict[str, str], redis_url: str) -> Store:
    settings = load({**clean_environment, "REDIS_URL": redis_url})
    return Store(settings.redis_url, settings.namespace, settings.providers)


@pytest.fixture
def reading(store: Store) -> EventLog:
    """A log that has begun to read."""
    log = EventLog()
    log.report(store)
    return log


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert all(record.levelno == logging.WARNING for record in caplog.records)
    return [record.getMessage() for record in caplog.records]


def test_a_change_is_one_line_with_its_cure(store: Store, reading: EventLog, caplog: pytest.LogCaptureFixture) -> None:
    breaker.control(store, "claude", "open", by="the night shift", seconds=60)
    reading.report(store)
    reading.report(store)
    [only] = lines(caplog)
    cured = 'cure="when done: fallback breaker reset claude"'
    expected = rf'circuit-breaker-forced-open provider=claude by="the night shift" until={UTC} {cured}'
    assert re.fullmatch(expected, only)


def test_a_worker_does_not_log_what_happened_before_it_started(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    breaker.control(store, "claude", "open", by="somebody")
    EventLog().report(store)
    assert lines(caplog) == []


def test_of_many_changes_at_once_the_first_lines_are_written_and_that_there_are_more(
    store: Store, reading: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(MOST + 1):
        breaker.control(store, "claude", "reset", by="somebody")
    reading.report(store)
    assert len(lines(caplog)) == MOST + 1
    assert lines(caplog)[-1] == 'events-left-out cure="fallback events"'


def test_a_storm_of_failures_is_not_read_to_its_end(
    store: Store, reading: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    failure = ("XADD", store.keys.events, "*", "type", "request-failure", "provider", "claude", "at_ms", "1")
    store.run(*(failure for _ in range(2500)))
    reading.report(store)
    assert lines(caplog) == ['events-left-out cure="fallback events"']
    breaker.control(store, "claude", "reset", by="somebody")
    reading.report(store)
    assert lines(caplog)[1:] == ["circuit-breaker-reset provider=claude by=somebody"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"type": "circuit-breaker-open", "provider": "openai", "cause": "quota-exhausted"},
            "add credit, then: fallback breaker reset openai",
        ),
        (
            {"type": "circuit-breaker-open", "provider": "openai", "cause": "stalled"},
            "nothing: it is tried again by itself; if it stays open: fallback status",
        ),
        ({"type": "circuit-breaker-closed", "provider": "openai"}, ""),
        (
            {"type": "worker-clock-skewed", "provider": "", "worker": "one@host", "offset_ms": "5000"},
            "set the clock of one@host's machine; beyond 2 s it takes nothing new",
        ),
        (
            {"type": "duplicate-answer", "provider": "openai", "request": "order-1"},
            "give workers the CPU that they need; see: fallback explain order-1",
        ),
    ],
)
def test_the_cure_is_that_of_the_type_and_the_cause(event: dict[str, str], expected: str) -> None:
    assert cure(event) == expected


def test_a_value_that_could_break_the_line_is_quoted() -> None:
    text = line({"type": "circuit-breaker-reset", "provider": "claude", "at_ms": "1", "by": "a\nb", "until_ms": "0"})
    assert text == r'circuit-breaker-reset provider=claude by="a\nb"'


def test_at_the_start_each_provider_that_is_not_configured_is_a_line_with_its_cure(
    clean_environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    report_missing(
        load({**clean_environment, "ANTHROPIC_API_KEY": "sesame", "FALLBACK_PROVIDERS__OPENAI__ENABLED": "0"})
    )
    assert lines(caplog) == [
        'provider-not-configured provider=llama_cpp reason="no base URL" '
        'cure="set LLAMA_CPP_BASE_URL where the workers run, and restart them"'
    ]

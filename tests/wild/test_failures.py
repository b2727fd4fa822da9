"""Every failure of the corpus through the queue, on every wire that fits: its class, its calls, who answers."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from config.outcomes import RULES, Outcome
from tests.wild.bed import Came, Sent, all_sent, expected_provider, results
from tests.wild.corpus import failures
from worker.errors import ContentRefused, TaskFailed

ENTRIES = list(failures())
SENT = all_sent(ENTRIES)
ABOUT_THE_REQUEST = {Outcome.TOO_LARGE, Outcome.REFUSED, Outcome.INVALID, Outcome.NONCONFORMING}


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str]) -> Iterator[dict[str, Came]]:
    with results(SENT, tmp_path_factory.mktemp("wild"), clean_environment) as found:
        yield found


@pytest.mark.parametrize("each", SENT, ids=lambda each: each.id)
def test_a_failure_of_the_wild_goes_on_to_whoever_can_answer(came: dict[str, Came], each: Sent) -> None:
    assert problems(each, came[each.name]) == []


def problems(each: Sent, came: Came) -> list[str]:
    """Returns what is not as it should be."""
    entry, found = each.entry, []
    provider = expected_provider(each)
    if isinstance(came.outcome, TaskFailed):
        told = str(came.outcome)
        if provider or not isinstance(came.outcome, ContentRefused) or f"{each.name}: {entry.outcome}" not in told:
            found.append(f"the caller got {type(came.outcome).__name__}: {told}")
    else:
        report = came.outcome["fallback"]
        first = report["attempts"][0]
        if first["outcome"] != entry.outcome:
            found.append(f"{first['outcome']} instead of {entry.outcome}: {first['reason']}")
        if report["provider"] != provider:
            found.append(f"answered by {report['provider']} instead of {provider}")
        if entry.outcome == Outcome.RATE_LIMITED and entry.retry_after is not None:
            wait = came.breaker.limited_until - first["at"] - first["latency_ms"] / 1000
            if abs(wait - min(entry.retry_after, 3600)) > 1.5:
                found.append(f"left alone for {wait:.1f} s instead of {entry.retry_after}")
    if came.calls != each.calls:
        found.append(f"{came.calls} calls instead of {each.calls}")
    counted = each.calls if RULES[entry.outcome].breaker == "failure" else 0
    if came.breaker.failed != counted:
        found.append(f"{came.breaker.failed} failures in the breaker instead of {counted}")
    return found


def test_no_failure_of_the_request_counts_against_a_breaker(came: dict[str, Came]) -> None:
    about_the_request = [each for each in SENT if each.entry.outcome in ABOUT_THE_REQUEST]
    assert len(about_the_request) > 100
    assert [each.id for each in about_the_request if came[each.name].breaker.failed] == []


def test_the_corpus_is_printed_with_its_counts(
    came: dict[str, Came], record_property: Callable[[str, object], None]
) -> None:
    right = Counter(each.entry.vendor for each in SENT if not problems(each, came[each.name]))
    sent, entries = Counter(each.entry.vendor for each in SENT), Counter(entry.vendor for entry in ENTRIES)
    lines = [f"{'vendor':18} entries  sent  right"]
    lines += [f"{name:18} {entries[name]:7} {sent[name]:5} {right[name]:6}" for name in sorted(entries)]
    lines.append(f"{'all':18} {entries.total():7} {sent.total():5} {right.total():6}")
    record_property("counted", "\n".join(lines))
    assert len(ENTRIES) >= 120


def test_each_entry_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(entry.id for entry in ENTRIES).items() if times > 1] == []

"""Every failure of the corpus through the queue, on every wire that fits: its class, its calls, who answers."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from config.outcomes import Outcome
from tests.wild.bed import Came, Sent, all_sent, problems, results, table
from tests.wild.corpus import failures

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


def test_no_failure_of_the_request_counts_against_a_breaker(came: dict[str, Came]) -> None:
    about_the_request = [each for each in SENT if each.entry.outcome in ABOUT_THE_REQUEST]
    assert len(about_the_request) > 100
    assert [each.id for each in about_the_request if came[each.name].breaker.failed] == []


def test_the_corpus_is_printed_with_its_counts(
    came: dict[str, Came], record_property: Callable[[str, object], None]
) -> None:
    record_property("counted", table(SENT, came))
    assert len(ENTRIES) >= 120


def test_each_entry_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(entry.id for entry in ENTRIES).items() if times > 1] == []

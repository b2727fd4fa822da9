"""What the openai and anthropic packages read of the same bytes: the same as we, or the entry says why not."""

import warnings
from collections.abc import Callable, Iterator

import pytest

from config.outcomes import Outcome
from tests.wild import clients
from tests.wild.corpus import Answered, answers
from tests.wild.reading import Body, Reader, reading

ANSWERED = [entry for entry in answers() if entry.outcome == Outcome.SUCCESS]
READ = {"openai": clients.openai, "anthropic": clients.anthropic}


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with reading() as found:
        yield found


def theirs(entry: Answered, reader: Reader) -> clients.Read | None:
    """Returns what the vendor's package reads, None where it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic's, on shapes that the packages did not expect
        try:
            return READ[entry.wire](reader.url, stream=entry.stream)
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError):
            return None


@pytest.fixture(scope="module")
def packages(reader: Reader) -> dict[str, clients.Read | None]:
    """What the vendor's package reads of each entry."""
    found = {}
    for entry in ANSWERED:
        reader.body = Body(entry.body.encode())
        found[entry.id] = theirs(entry, reader)
    return found


@pytest.mark.parametrize("entry", ANSWERED, ids=lambda entry: entry.id)
def test_an_entry_is_read_as_the_vendors_package_reads_it_or_says_why_not(
    reader: Reader, packages: dict[str, clients.Read | None], entry: Answered
) -> None:
    reader.body = Body(entry.body.encode())
    ours = clients.ours(reader.ask(entry, stream=entry.stream))
    found = packages[entry.id]
    assert (found in (None, ours)) == (entry.differs is None), found


def test_how_many_are_read_alike(
    packages: dict[str, clients.Read | None], record_property: Callable[[str, object], None]
) -> None:
    unread = sum(found is None for found in packages.values())
    differ = sum(entry.differs is not None for entry in ANSWERED)
    alike = len(ANSWERED) - unread - differ
    record_property("counted", f"{alike} alike, {differ} differ with the reason, {unread} the packages cannot read")
    assert alike > 80

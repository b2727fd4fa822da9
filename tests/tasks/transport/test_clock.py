"""A worker whose clock is off the server's, by a real clock that is: libfaketime's, below the worker's process."""

import re
from pathlib import Path

import pytest

from tasks import clock
from tasks.local.process import Process
from tests.tasks.transport.counted import Counting
from tests.waiting import wait_until

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


@pytest.fixture
def offset(tmp_path: Path) -> Path:
    """The file that says by how much the worker's clock is off."""
    return tmp_path / "offset"


@pytest.fixture
def skewed(offset: Path) -> dict[str, str]:
    """The environment of a process with that clock."""
    return {**faked(), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1"}


def faked() -> dict[str, str]:
    """Returns the environment of a process whose wall clock alone is libfaketime's."""
    assert LIBRARY, "no libfaketime on this machine: apt-get install faketime"
    return {"LD_PRELOAD": str(LIBRARY), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def written(worker: Process, what: str) -> list[int]:
    """Returns the seconds of each such line of its log, whole ones: a slow answer of the server counts for it."""
    return [round(float(seconds)) for seconds in re.findall(rf"clock-{what} seconds=(\S+)", worker.output())]


@pytest.mark.tools
def test_a_worker_consumes_by_a_clock_that_is_right_alone(
    counting: Counting, offset: Path, skewed: dict[str, str]
) -> None:
    offset.write_text("+10")
    worker = counting.worker("skewed", **skewed)
    assert written(worker, "skewed") == [10]
    counting.ask(*range(20))
    right = counting.worker("right")
    counting.wait(20)
    assert "received" not in worker.output()
    right.stop()
    offset.write_text("+1")
    counting.ask(20)
    counting.wait(21)
    assert written(worker, "right") == [1]
    offset.write_text("-10")
    wait_until(lambda: written(worker, "skewed") == [10, -10])


@pytest.mark.parametrize(
    ("asked", "server", "answered", "ahead"),
    [
        (100.0, 100.0, 100.0, 0.0),
        (100.0, 103.0, 104.0, 0.0),  # the answer was slow
        (100.0, 97.0, 101.0, 3.0),
        (100.0, 104.0, 101.0, -3.0),
    ],
)
def test_a_slow_answer_is_no_error_of_the_clock(asked: float, server: float, answered: float, ahead: float) -> None:
    assert clock.ahead(asked, server, answered) == ahead

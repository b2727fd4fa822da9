"""The ring of the last outcomes: its bytes, its counts, what readers make of it."""

import pytest

from tests.worker.admission.clocked_breaker import HOUR, ClockedBreaker, attempted

DAY = 24 * HOUR // 1000
ABOUT_A_KILOBYTE = 1_250


@pytest.fixture
def b(every_redis):
    return ClockedBreaker(every_redis)


def window(b):
    return b.server.execute_command("GETRANGE", b.key() + ":window", 0, -1, NEVER_DECODE=True)


def counts(b):
    fields = b.fields()
    return fields["count"], fields["failed"], fields["index"]


def one_each(b, outcomes):
    """Records one outcome after another; no request fails twice in a row."""
    permit = b.permit()
    for failed in outcomes:
        b.record(attempted(permit, "failure" if failed else "success"))


def test_an_entry_is_a_flag_and_the_latency_in_three_bytes(b):
    permit = b.permit()
    for outcome, latency in [("success", 0), ("failure", 65_536 + 2 * 256 + 3), ("success", 10**9)]:
        b.record(attempted(permit, outcome, latency=latency))
    assert window(b) == bytes([1, 0, 0, 0, 2, 1, 2, 3, 1, 255, 255, 255])


def test_counts_follow_the_ring_past_its_end(b):
    ring = []
    for i in range(250):
        failed = i % 3 == 0 or i % 7 == 0
        one_each(b, [failed])
        ring = [*ring, failed][-100:]
        assert counts(b) == (len(ring), sum(ring), (i + 1) % 100)
    assert len(window(b)) == 400


def test_what_the_ring_forgets_is_no_longer_counted_as_failed(b):
    one_each(b, [True] * 100)
    assert counts(b) == (100, 100, 0)
    one_each(b, [False] * 99)
    assert counts(b) == (100, 1, 99)
    one_each(b, [False])
    assert counts(b) == (100, 0, 0)


def test_outcomes_that_are_neither_success_nor_failure_leave_no_entry(b):
    permit = b.permit()
    for outcome in ("rate-limited", "authentication", "ignored"):
        b.record(attempted(permit, outcome))
    assert (counts(b), window(b)) == ((0, 0, 0), b"")


def test_the_window_lives_as_long_as_its_counts(b):
    one_each(b, [True] * 3)
    b.control("open")
    assert b.server.ttl(b.key() + ":window") == -1  # or the counts would outlive what they count
    b.control("reset")
    one_each(b, [True] * 3)
    b.server.expire(b.key() + ":window", 10)
    b.call("ignored")
    assert b.server.ttl(b.key() + ":window") == b.server.ttl(b.key()) == DAY


def test_a_provider_takes_about_a_kilobyte(b, record_property):
    permit = b.permit()
    for i in range(100):
        b.record(attempted(permit, "success", latency=700 + i, first_token=300 + i))
    b.trip()
    b.at(b.fields()["open_until"])
    b.call("failure", task="3f0c6f6e-5d0c-4f43-8f0c-0c6f6e5d0c4f")
    # Of the window what it holds: as it grows, a server may allocate twice that ahead, 704 bytes in one run of many.
    sizes = (b.server.memory_usage(b.key()), b.server.strlen(b.key() + ":window"))
    record_property("counted", f"{sizes} bytes")
    assert sizes[1] == 4 * 100
    assert sum(sizes) < ABOUT_A_KILOBYTE

"""A completion's journal: what is written is what is read."""

from hypothesis import given
from hypothesis import strategies as st

from config.outcomes import Outcome
from tests.worker.admission.clocked_breaker import ClockedBreaker
from worker.store.store import KEEP
from worker.task.journal import SKIPPED, Entry, RoundStart, append, dump, load

TIMES = st.floats(0, 2e9)
ENTRIES = st.builds(
    Entry,
    st.text(),
    st.sampled_from([*Outcome, SKIPPED]),
    TIMES,
    st.none() | st.text(),
    st.none() | st.text(),
    st.none() | st.integers(100, 599),
    st.none() | TIMES,
    st.none() | TIMES,
    st.none() | TIMES,
    tokens=st.none() | st.dictionaries(st.text(), st.integers(0)),
    cost_usd=st.none() | TIMES,
    billed=st.none() | st.just("unknown"),
)


@given(ENTRIES | st.builds(RoundStart, st.booleans()))
def test_a_line_reads_as_it_was_written_and_is_one_line(line):
    assert load(dump(line)) == line
    assert "\n" not in dump(line)


def test_no_lines_are_no_command(every_redis):
    assert append(ClockedBreaker(every_redis).store, "task", []) == []


def test_lines_are_added_in_order_and_their_key_expires(every_redis):
    store = ClockedBreaker(every_redis).store
    lines = [Entry("alpha", Outcome.TIMEOUT, 1.0), RoundStart(fresh=False), Entry("beta", Outcome.SUCCESS, 2.0)]
    store.run(*append(store, "task", lines[:2]))
    store.run(*append(store, "task", lines[2:]))
    assert [load(text) for text in every_redis.lrange(store.keys.journal("task"), 0, -1)] == lines
    assert every_redis.ttl(store.keys.journal("task")) == KEEP

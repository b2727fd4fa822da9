"""What holds of every journal and of every way along every chain."""

from hypothesis import given
from hypothesis import strategies as st

from config.chains import Chain, Retry
from config.outcomes import Outcome, Override
from config.providers import Model
from tests.worker.admission.clocked_breaker import provider
from worker.chain.policy import after_exhaustion, after_failure
from worker.chain.position import position
from worker.chain.route import Route
from worker.errors import AttemptFailed
from worker.task.journal import SKIPPED, Entry, RoundStart

NAMES = ("a", "b", "c", "d")
FAILURES = [outcome for outcome in Outcome if outcome is not Outcome.SUCCESS]
ENDED = [outcome for outcome in FAILURES if outcome is not Outcome.CUT_SHORT]
"""What an attempt may end with that we did not cut short: that ends the delivery."""

FOREVER = 1e9


def a_provider(name):
    return st.builds(
        lambda dialect, context, url: provider(
            name, dialect=dialect, base_url=url, models={"default": Model(name="m", context=context)}
        ),
        st.sampled_from(["openai", "anthropic"]),
        st.none() | st.sampled_from([10, 20, 30]),
        st.sampled_from(["http://x", "http://x", "http://x", ""]),
    )


OVERRIDES = st.dictionaries(
    st.sampled_from([outcome for outcome in FAILURES if outcome not in (Outcome.SHARE_SPENT, Outcome.CUT_SHORT)]),
    st.builds(
        Override,
        same_provider=st.sampled_from([None, "never"]),
        next_provider=st.sampled_from(
            [None, "after-retries", "at-once", "larger-window", "once-per-host-and-model", "never"]
        ),
    )
    | st.builds(
        Override,
        same_provider=st.sampled_from(["retry-after", "once", "backoff"]),
        next_provider=st.sampled_from(["after-retries", "larger-window", "once-per-host-and-model", "never"]),
    ),
    max_size=2,
)


def possible(outcomes):
    """Leaves out what the configuration refuses: retries of a provider that the breaker shuts out."""
    shut = (Outcome.QUOTA_EXHAUSTED, Outcome.AUTHENTICATION)
    return {o: rule for o, rule in outcomes.items() if o not in shut or rule.same_provider in (None, "never")}


def chains(**fixed):
    return st.builds(
        Chain,
        name=st.just("chain"),
        providers=st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple),
        failover=st.sampled_from(["at-once", "after-retries"]),
        retry=st.builds(Retry, max_retries=st.integers(0, 3)),
        outcomes=st.just({}) | OVERRIDES.map(possible),
        **{"when_exhausted": st.sampled_from(["fail", "wait"])} | fixed,
    )


def routes(**fixed):
    return st.builds(Route, chains(**fixed), st.fixed_dictionaries({name: a_provider(name) for name in NAMES}))


ENTRIES = st.builds(
    Entry, st.sampled_from([*NAMES, "gone"]), st.sampled_from([*FAILURES, SKIPPED]), st.sampled_from([0.0, 1.0, 2.0])
)
LINES = st.lists(ENTRIES | st.builds(RoundStart, st.booleans()), max_size=20)


@given(routes(), LINES)
def test_within_a_round_providers_only_leave(route, lines):
    before = position(route, [])
    for n in range(1, len(lines) + 1):
        now = position(route, lines[:n])
        if not isinstance(lines[n - 1], RoundStart):
            assert set(now.remaining(route)) <= set(before.remaining(route)) | {lines[n - 1].provider}
        assert now.closed >= before.closed
        before = now


@given(routes(), LINES)
def test_remaining_holds_no_provider_exhausted_closed_left_or_not_configured_and_the_current_one_first(route, lines):
    now = position(route, lines)
    remaining = now.remaining(route)
    assert not set(remaining) & (now.exhausted | now.closed | now.left)
    others = [name for name in route.chain.providers if name in remaining and name != now.current]
    assert remaining == [name for name in remaining if name == now.current] + others
    assert all(route.providers[name].missing is None for name in remaining)


@given(routes(), LINES, ENTRIES, st.none() | st.floats(0, 1e5), st.floats(-10, 1e4), st.floats(0, 1))
def test_a_retry_is_planned_within_the_deadline_and_nobody_is_asked_again_beside_it(
    route, lines, entry, retry_after, left, drawn
):
    if entry.outcome == SKIPPED:
        return
    found = after_failure(route, [*lines, entry], AttemptFailed("status", retry_after=retry_after), left, lambda: drawn)
    assert entry.provider not in found.remaining
    assert found.limited >= 0
    if found.countdown is not None:
        assert 0 <= found.countdown < left
        rule = route.chain.rules[entry.outcome]
        assert rule.next_provider == "never" or (
            route.chain.failover == "after-retries" and rule.same_provider != "never"
        )


def walk(route, data):
    """Goes along a chain where everybody asked fails, and returns its journal."""
    lines = []
    while True:
        admitting = [name for name in position(route, lines).remaining(route) if not data.draw(st.booleans())]
        while admitting:
            lines.append(Entry(admitting[0], data.draw(st.sampled_from(ENDED)), float(len(lines))))
            found = after_failure(route, lines, AttemptFailed("status"), FOREVER, lambda: 1.0)
            opened = data.draw(st.booleans())
            admitting = found.remaining if found.countdown is None or opened else [lines[-1].provider, *found.remaining]
        if lines and lines[-1] == RoundStart(fresh=False):  # nobody admitted in a whole round
            return lines
        following = after_exhaustion(route, lines, dict.fromkeys(position(route, lines).able(route), 0.0), {})
        if following is None:
            return lines
        lines.append(following.start)


@given(routes(when_exhausted=st.just("fail")), st.data())
def test_a_completion_asks_each_provider_at_most_once_more_than_its_retries(route, data):
    lines = walk(route, data)
    for name in NAMES:
        asked = sum(isinstance(line, Entry) and line.provider == name for line in lines)
        assert asked <= route.chain.retry.max_retries + 1
    assert all(line.provider in route.candidates() for line in lines if isinstance(line, Entry))

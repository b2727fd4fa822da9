"""A completion's journal: one line per provider considered, and where the lines say to go on."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace

from config.chains import Chain
from config.outcomes import RULES, Outcome
from config.providers import Provider
from worker.store import Command, Store

PASSED_OVER = "passed-over"


@dataclass(frozen=True, slots=True)
class Entry:
    """One provider considered.

    `outcome` is an `Outcome`, or `passed-over`; then `reason` says why (`open`, `not configured: no API key`, ...)
    and `until` is the epoch at which it admits again, where known. `at` is the epoch of the attempt's start,
    `latency_ms` its length, `first_token_ms` the wait for the first token.
    """

    provider: str
    outcome: str
    at: float
    model: str | None = None
    reason: str | None = None
    status: int | None = None
    latency_ms: float | None = None
    first_token_ms: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A new round from the chain's head; `fresh` forgets the retries spent, as after an outage waited out."""

    fresh: bool


Line = Entry | Mark


def dump(line: Line) -> str:
    """Returns a line as JSON."""
    return json.dumps(asdict(line), separators=(",", ":"))


def load(text: str) -> Line:
    """Returns the line that `dump` wrote."""
    fields = json.loads(text)
    return Mark(**fields) if "fresh" in fields else Entry(**fields)


def append(store: Store, task_id: str, lines: Iterable[Line]) -> list[Command]:
    """Returns the commands that add lines to a task's journal."""
    texts = [dump(line) for line in lines]
    if not texts:
        return []
    key = store.journal(task_id)
    return [("RPUSH", key, *texts), ("EXPIRE", key, store.keep)]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a completion stands in its chain.

    `index` is the first place to consider, `tries` counts the attempts per provider since the last fresh round,
    `spent` holds the providers without a try left, `closed` those that cannot take this request at all.
    """

    index: int = 0
    rounds: int = 0
    tries: Counter[str] = field(default_factory=Counter)
    spent: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    def rest(self, chain: Chain) -> list[str]:
        """Returns the providers that may still be asked in this round, in order."""
        return [p for p in chain.providers[self.index :] if p not in self.spent | self.closed]

    def open(self, chain: Chain) -> list[str]:
        """Returns the providers that a further round could ask."""
        return [p for p in chain.providers if p not in self.spent | self.closed]


def position(chain: Chain, providers: dict[str, Provider], tier: str, lines: Sequence[Line]) -> Position:
    """Returns where the lines leave a completion of `tier`; the position only moves forward within a round."""
    now = Position()
    for line in lines:
        now = _after(now, chain, providers, tier, line)
    return now


def _after(now: Position, chain: Chain, providers: dict[str, Provider], tier: str, line: Line) -> Position:
    if isinstance(line, Mark):
        fresh = Position(rounds=now.rounds + 1, closed=now.closed)
        return fresh if line.fresh else replace(fresh, tries=now.tries, spent=now.spent)
    if line.outcome == PASSED_OVER or line.provider not in chain.providers:
        return now
    outcome = Outcome(line.outcome)
    tries = now.tries + Counter([line.provider])
    place = chain.providers.index(line.provider)
    spent = tries[line.provider] > _retries(outcome, chain)
    stays = not spent and chain.failover == "after-retries"
    return replace(
        now,
        index=place if stays else place + 1,
        tries=tries,
        spent=now.spent | {line.provider} if spent else now.spent,
        closed=now.closed | _closed_by(outcome, line.provider, chain, providers, tier),
    )


def _retries(outcome: Outcome, chain: Chain) -> int:
    allowed = {"never": 0, "once": 1}.get(RULES[outcome].again, chain.retry.max_retries)
    return min(allowed, chain.retry.max_retries)


def _closed_by(
    outcome: Outcome, provider: str, chain: Chain, providers: dict[str, Provider], tier: str
) -> frozenset[str]:
    onward = RULES[outcome].onward
    if onward == "once-per-dialect":
        dialect = providers[provider].dialect
        return frozenset(p for p in chain.providers if providers[p].dialect == dialect)
    if onward == "larger-window":
        window = providers[provider].model(tier).context
        return frozenset(p for p in chain.providers if p == provider or not _larger(providers[p], tier, window))
    return frozenset()


def _larger(provider: Provider, tier: str, window: int | None) -> bool:
    other = provider.model(tier).context
    return other is None or (window is not None and other > window)

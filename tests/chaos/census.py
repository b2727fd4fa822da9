"""What became of every completion that was accepted."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass

from tests.chaos.bed import Bed, Crash
from tests.chaos.provider import Call
from tests.chaos.witness import Witness
from tests.waiting import wait_until

MESSAGES = ("{fallback}:2:unacked", "completions", *(f"completions\x06\x16{priority}" for priority in (3, 6, 9)))
"""Where kombu keeps what is in hand, and what is queued, in order of priority."""


@dataclass(frozen=True)
class Census:
    """What became of the `accepted` completions.

    `lost` have no result, `failed` one that is no answer. Of `twice` more than one result was published, or another
    than the one that stands. `repeated` counts the provider's calls beyond the first, by completion.
    """

    accepted: int
    lost: tuple[str, ...]
    failed: tuple[str, ...]
    twice: tuple[str, ...]
    repeated: Counter[str]

    @property
    def kept(self) -> bool:
        """Says whether each completion has one result, which is an answer."""
        return not (self.lost or self.failed or self.twice)

    def __str__(self) -> str:
        broken = f"{len(self.lost)} lost, {len(self.failed)} failed, {len(self.twice)} answered twice"
        return f"{self.accepted} accepted: {broken}; {self.repeated.total()} calls repeated"


def take(bed: Bed, witness: Witness, accepted: Collection[str], *, within: float) -> Census:
    """Counts, once each has a result and no message is left, or after `within` seconds."""
    keys = {completion: f"celery-task-meta-{completion}" for completion in accepted}
    redis = bed.store.redis
    with suppress(AssertionError):  # what is still missing then is lost
        wait_until(lambda: redis.exists(*keys.values()) == len(keys) and not redis.exists(*MESSAGES), within)
    found = dict(zip(keys, redis.mget(*keys.values()), strict=True))
    metas = {completion: json.loads(meta) for completion, meta in found.items() if meta is not None}
    for meta in metas.values():
        witness.note(meta)
    asked = Counter(call.completion for call in bed.provider.calls())
    return Census(
        accepted=len(keys),
        lost=tuple(completion for completion in keys if not witness.results[completion]),
        failed=tuple(completion for completion, meta in metas.items() if meta["status"] != "SUCCESS"),
        twice=tuple(completion for completion in keys if len(witness.results[completion]) > 1),
        repeated=asked - Counter(asked.keys()),
    )


def asked_again(calls: Iterable[Call], crashes: Iterable[Crash]) -> list[float]:
    """Returns the seconds from each crash until what it cut was asked for again."""
    asked: dict[str, list[float]] = {}
    for call in calls:
        asked.setdefault(call.completion, []).append(call.at)
    cut = ((crash.at, completion) for crash in crashes for completion in crash.in_flight)
    return [min(again) - at for at, completion in cut if (again := [t for t in asked[completion] if t > at])]

"""Reports this process's silent calls to the fleet, so that a provider that stalls is known before its calls time out.

A call is silent if nothing has come of it for longer than a first token may take by what was learned. The heartbeat
reports; a call that is answered costs no command. lua/admission/stalls.lua decides.
"""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from worker.store.connection import Command
from worker.store.store import Store

_FEW = 2
"""Silent calls of which people are told: one alone may be a slow answer."""

MOST = 50
"""Calls of one provider in one report, the latest: a breaker's threshold is at most 100 of the whole fleet."""


@dataclass(eq=False, slots=True)
class CallInFlight:
    """One call, until it has a token.

    Attributes:
        provider: the provider.
        task_id: the task that it is for.
        generation: of the breaker, by its permit.
        at: epoch in seconds of its begin, by the store's clock.
        limit: the learned limit of its first token, seconds.
        longest: its configured limit; for so long one that was cut is still reported.
        began: its begin on the monotonic clock.
        heard: when bytes came last, likewise.
    """

    provider: str
    task_id: str
    generation: int
    at: float
    limit: float
    longest: float
    began: float = field(default_factory=time.monotonic)
    heard: float = 0.0

    def is_silent(self, now: float) -> bool:
        """Returns whether nothing has come for longer than usual."""
        return now - max(self.began, self.heard) >= self.limit


class Stalls:
    """The calls in flight of this process that have no token yet, and when each provider sent one last."""

    def __init__(self) -> None:
        self._calls: set[CallInFlight] = set()
        self._ended: set[CallInFlight] = set()
        self._spoke: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, call: CallInFlight) -> None:
        """Adds a call that begins."""
        with self._lock:
            self._calls.add(call)

    def discard(self, call: CallInFlight) -> None:
        """Removes a call that ended; one that ended in silence is reported for as long as it could have gone on."""
        with self._lock:
            if call in self._calls and call.is_silent(time.monotonic()):
                self._ended.add(call)
            self._calls.discard(call)

    def spoke(self, provider: str, at: float, call: CallInFlight | None = None) -> None:
        """Notes that a provider sent a token, or an error, at an epoch in seconds."""
        with self._lock:
            self._spoke[provider] = at
            if call:
                self._calls.discard(call)

    def report(self, store: Store) -> None:
        """Reports silent calls, and tokens since the last report; one round trip if there is anything to report.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        silent, spoke = self._news()
        providers = sorted(silent.keys() | spoke.keys())
        if not providers:
            return
        generations = store.run(*(_command(store, name, spoke.get(name, 0.0), silent[name]) for name in providers))
        of = dict(zip(providers, generations, strict=True))
        with self._lock:  # the breaker has changed its state since these began
            self._ended -= {call for call in self._ended if call.generation != of.get(call.provider, call.generation)}

    def _news(self) -> tuple[dict[str, list[CallInFlight]], dict[str, float]]:
        now = time.monotonic()
        silent: dict[str, list[CallInFlight]] = defaultdict(list)
        with self._lock:
            self._ended = {call for call in self._ended if now - call.began < call.longest}
            for call in sorted(self._calls | self._ended, key=lambda call: call.began, reverse=True):
                if call.is_silent(now) and len(silent[call.provider]) < MOST:
                    silent[call.provider].append(call)
            spoke, self._spoke = self._spoke, {}
        return silent, spoke


@dataclass(frozen=True, slots=True)
class Silence:
    """What the fleet knows of a provider's silent calls: how many there are, and when the first began (an epoch, s)."""

    calls: int
    since: float


def silences(store: Store, providers: Sequence[str]) -> dict[str, Silence]:
    """Returns which providers are silent now: two calls or more, and nobody has had a token since the first began.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    found = store.run(store.script("silences", [store.keys.breaker(name) for name in providers]))[0]
    counted = zip(providers, found, strict=True)
    return {name: Silence(calls, began / 1000) for name, (calls, began) in counted if calls >= _FEW}


def _command(store: Store, provider: str, spoke: float, silent: list[CallInFlight]) -> Command:
    keys = [store.keys.events, store.keys.breaker(provider), store.keys.silent(provider)]
    said = [field for call in silent for field in (_ms(call.at), call.generation, call.task_id)]
    draw = random.randrange(1000)  # noqa: S311 - spreads reopenings, not a secret
    return store.script("stalls", keys, provider, _ms(spoke), draw, *said)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


STALLS = Stalls()
"""Those of this process."""

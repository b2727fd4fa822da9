"""The detectors' own Lua, run by a server over whole sequences of calls: the calls at which each rule alarmed."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from numpy import ndarray
from redis import Redis

from config.breaker import Breaker
from config.providers import Model, Provider
from worker.store.scripts import lua, scripts

NAME = "simulated"
FAILURE_RULES = ("failure detector", "5 in a row", "half of 100")
LATENCY_RULES = ("latency detector", "ratio above 3", "slowness begins", "slowness ends")
EVERY_MS = 5000
"""Between two first tokens, for the baseline that learns by time."""

Alarms = Sequence[Sequence[int]]
"""For each rule, the calls at which it alarmed; the first call is 1."""


def provider(breaker: Breaker) -> Provider:
    """Returns the provider whose calls are simulated."""
    models = {"default": Model(name="bench")}
    return Provider(name=NAME, dialect="openai", base_url="http://x", models=models, breaker=breaker)


class Detectors:
    """The product's detectors with a loop in place of record.lua, which takes one call at a time.

    `calls` counts what went through them.
    """

    def __init__(self, redis: Redis, breaker: Breaker) -> None:
        """Loads the scripts into the server."""
        self.calls = 0
        self._redis = redis
        self._outcomes = redis.script_load(_in_a_loop("outcomes", breaker))
        self._first_tokens = redis.script_load(_in_a_loop("first_tokens", breaker))

    def of_failures(self, runs: ndarray) -> Iterator[Alarms]:
        """Gives the alarms of `FAILURE_RULES` for each row of `runs`, which says for each call whether it failed."""
        self.calls += runs.size
        return self._run(self._outcomes, (bytes(row + ord("0")) for row in runs.astype("uint8")))

    def of_latency(self, runs: ndarray) -> Iterator[Alarms]:
        """Gives the alarms of `LATENCY_RULES` for each row of `runs`, the times to first token in ms."""
        self.calls += runs.size
        return self._run(self._first_tokens, (" ".join(map(str, row)) for row in runs.tolist()), EVERY_MS)

    def _run(self, sha: str, runs: Iterable[str | bytes], *further: int) -> Iterator[Alarms]:
        # One run a call: while a script runs, a server does nothing else.
        return (self._redis.evalsha(sha, 0, NAME, run, *further) for run in runs)


def _in_a_loop(loop: str, breaker: Breaker) -> str:
    text = Path(__file__).with_name(f"{loop}.lua").read_text(encoding="utf-8")
    parts = scripts({NAME: provider(breaker)}, part=lambda name: text if name == "record" else lua(name))
    return parts["record"].text

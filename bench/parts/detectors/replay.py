"""The same calls through the whole product, one record each: does it alarm where the benchmark's loop does?"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
from numpy import ndarray
from numpy.random import default_rng

from bench.parts.detectors import noise
from bench.parts.detectors.alarms import NAME, Alarms, Detectors, provider
from config.breaker import Adaptive, Breaker, Detector
from worker.admission import breaker
from worker.admission.breaker import Attempted
from worker.store.store import Store

PART = 300
"""Calls before a change, and after it."""

CHANGES = ((0.01, 0.3), (0.05, 0.4), (0.15, 0.5), (0.01, 1.0), (0.2, 0.2))
SCATTERS = (noise.normal(0.1), noise.normal(0.8), noise.heavy_tailed(0.5))
AT_ONCE = 20
"""Records sent together: the product's client waits for an answer only so long."""

Recorded = list[tuple[int, str]]
"""Events, each with the call that was recorded when it was written."""


class Differs(Exception):
    """The loop stands for the product no more."""


def replay(url: str, detectors: Detectors, seed: int) -> int:
    """Returns the number of calls that were replayed, both with detectors that observe and with ones that are on.

    Raises:
        Differs: an alarm was missing, or there was one too many.
        RedisUnavailable: the server did not answer.
    """
    rng = default_rng(seed)
    failures = np.vstack([np.hstack([noise.failures(rng, 1, PART, share) for share in change]) for change in CHANGES])
    times = np.vstack([np.hstack([s.first_tokens(rng, 1, PART, slower) for slower in (1, 2)]) for s in SCATTERS])
    for choice in ("observe", "on"):
        adaptive = Adaptive(failures=choice, latency=choice)
        store = Store(url, "replayed", {NAME: provider(Breaker(adaptive=adaptive))})
        expected = [_of_failures(alarms, choice) for alarms in detectors.of_failures(failures)]
        expected += [_of_latency(alarms, choice) for alarms in detectors.of_latency(times)]
        for number, (calls, events) in enumerate(zip(_calls(failures, times), expected, strict=True)):
            if (written := _events(store, calls)) != events:
                raise Differs(f"replay {number}, {choice}: the product wrote {written}, the loop {events}")
    return 2 * (failures.size + times.size)


def _of_failures(alarms: Alarms, choice: Detector) -> Recorded:
    # Nothing is counted any more once the breaker has opened.
    detected, in_a_row, _ = alarms
    if choice == "on":
        return [(call, "circuit-breaker-open") for call in sorted([*detected, *in_a_row])[:1]]
    before = [call for call in detected if not in_a_row or call < in_a_row[0]]
    opened = [(call, "circuit-breaker-open") for call in in_a_row[:1]]
    return [(call, "circuit-breaker-would-open") for call in before] + opened


def _of_latency(alarms: Alarms, choice: Detector) -> Recorded:
    return [
        (call, "provider-deprioritised" if choice == "on" else "provider-would-be-deprioritised") for call in alarms[0]
    ]


def _calls(failures: ndarray, times: ndarray) -> Iterator[list[tuple[str, int]]]:
    for row in failures.tolist():
        yield [("failure" if failed else "success", 0) for failed in row]
    for row in times.tolist():
        yield [("success", ms) for ms in row]


def _events(store: Store, calls: Sequence[tuple[str, int]]) -> Recorded:
    store.run(("DEL", store.keys.breaker(NAME), store.keys.window(NAME), store.keys.events))
    permit = breaker.parse_acquire_reply(store.run(breaker.acquire(store, "", "", "", [NAME]))[0], "", [NAME]).permit
    assert permit, "a new breaker admits"
    lengths: list[int] = []  # of the stream of events, after each call
    for begin in range(0, len(calls), AT_ONCE):
        commands = []
        for call, (outcome, ms) in enumerate(calls[begin : begin + AT_ONCE], begin):
            attempted = Attempted(permit, outcome, 100, first_token_ms=ms)
            commands += [breaker.record(store, f"request {call}", "", "", attempted, ()), ("XLEN", store.keys.events)]
        lengths += store.run(*commands)[1::2]
    entries = store.run(("XRANGE", store.keys.events, "-", "+"))[0]
    written = [(bisect_right(lengths, place) + 1, event["type"]) for place, (_, event) in enumerate(entries)]
    return [(call, kind) for call, kind in written if kind != "provider-unhealthy"]

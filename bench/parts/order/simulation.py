"""One run: completions arrive, are given to providers in a policy's order, and end; in simulated seconds.

The time goes from event to event. A completion is a generator that yields the second at which it goes on.
"""

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace

from bench.parts.order.admission import TIER, Admission
from bench.parts.order.policies import Policy
from bench.parts.order.requests import Request
from bench.parts.order.upstreams import Queue, Upstream, Work
from worker.admission import first_tokens
from worker.admission.decision import Attempted, Decision, Permit
from worker.admission.first_tokens import Lesson
from worker.admission.score import Sample

ASK_AGAIN = 1.0
"""Seconds after which a completion tries again that nobody admits, and no time is known."""

LOOK_EVERY = 1.0
"""Seconds between two looks whether another provider admits, of a call that is later than usual: as in the product."""

Pause = Generator[float, None, None]


@dataclass(frozen=True)
class Pick:
    """One call: of whom, when it began, and whether its provider failed or was given up as too late."""

    provider: str
    at: float
    failed: bool = False
    cut: bool = False


@dataclass
class Completed:
    """One completion: the seconds of its arrival, its first token and its end, its USD, its calls in order."""

    arrived: float
    first_token: float = math.nan
    ended: float = math.nan
    usd: float = 0.0
    picks: list[Pick] = field(default_factory=list)


class Simulation:
    """Completions, a policy, and what admits.

    With `cuts` a call is given up whose first token is later than the limit that was learned, as in the product.
    """

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        queues: Mapping[str, Queue],
        policy: Policy,
        admission: Admission,
        *,
        cuts: bool = False,
    ) -> None:
        self._upstreams, self._queues = upstreams, queues
        self._policy, self._admission, self._cuts = policy, admission, cuts
        self._now = 0.0

    def run(self, requests: Sequence[Request]) -> list[Completed]:
        """Returns what became of each completion."""
        completed = [Completed(each.at) for each in requests]
        waiting: list[tuple[float, int, Iterator[float]]] = [
            (request.at, i, self._completion(request, completed[i])) for i, request in enumerate(requests)
        ]
        heapify(waiting)
        while waiting:
            self._now, i, steps = waiting[0]
            goes_on = next(steps, None)
            if goes_on is None:
                heappop(waiting)
            else:
                heapreplace(waiting, (goes_on, i, steps))
        return completed

    def _completion(self, request: Request, found: Completed) -> Pause:
        while math.isnan(found.ended):
            remaining = self._policy.order(request, list(self._upstreams), self._now)
            decision = self._admission.acquire(self._now, request, remaining)
            while decision.permit and math.isnan(found.ended):
                remaining = [name for name in remaining if name != decision.permit.provider]
                remaining = self._policy.order(request, remaining, self._now)
                decision = yield from self._attempt(request, found, decision.permit, remaining)
            if math.isnan(found.ended):
                yield self._now + max(decision.wait or ASK_AGAIN, 0.001)

    def _attempt(
        self, request: Request, found: Completed, permit: Permit, remaining: Sequence[str]
    ) -> Generator[float, None, Decision]:
        name, began = permit.provider, self._now
        queue = self._queues[name]
        begins = queue.begins(began)
        work = self._upstreams[name].work(request.prompt, request.answer, begins, request.luck[name])
        queue.add(begins + work.seconds)
        self._policy.began(name, began)
        cut = yield from self._wait(request, permit, begins, work, remaining)
        lasted = self._now - began
        found.picks.append(Pick(name, began, failed=work.failed and not cut, cut=cut))
        self._policy.ended(name, self._now, lasted, request, failed=work.failed or cut)
        found.usd += self._upstreams[name].usd(request.prompt, 0) if cut else work.usd
        first_ms = 1000 * (begins - began + work.first_token)
        if not cut and not work.failed:
            found.first_token, found.ended = began + first_ms / 1000, self._now
        attempted = _attempted(permit, request, work, lasted, first_ms, cut=cut)
        return self._admission.record(self._now, request, attempted, remaining if math.isnan(found.ended) else [])

    def _wait(
        self, request: Request, permit: Permit, begins: float, work: Work, remaining: Sequence[str]
    ) -> Generator[float, None, bool]:
        """Waits until the call has ended; returns whether it was given up before."""
        limit = first_tokens.limit(permit.usual.get(TIER, ""), request.prompt) if self._cuts else None
        speaks = begins + min(work.first_token, work.seconds)
        look = self._now + limit if limit is not None else math.inf
        while look < speaks:
            yield look
            if self._admission.admits(self._now, remaining):
                return True
            look = self._now + LOOK_EVERY
        yield begins + work.seconds
        return False


def _attempted(permit: Permit, request: Request, work: Work, lasted: float, first_ms: float, *, cut: bool) -> Attempted:
    is_good = not cut and not work.failed
    return Attempted(
        permit,
        "success" if is_good else "ignored" if cut else "failure",
        1000 * lasted,
        failure="" if is_good else "learned_limit" if cut else "server_error 500",
        first_token_ms=first_ms if is_good else 0,
        lesson=Lesson(TIER, request.prompt, 1000 * lasted if cut else 0) if is_good or cut else None,
        sample=_sample(permit, request, is_good=is_good),
    )


def _sample(permit: Permit, request: Request, *, is_good: bool) -> Sample | None:
    if permit.score is None:
        return None
    return Sample(TIER, is_good, request.prompt, request.answer if is_good else 0, load=permit.score.load)

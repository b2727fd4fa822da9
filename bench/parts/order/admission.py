"""Who may be asked: the product's scripts on a real server, at a simulation's time; or, for the oracle, anybody."""

import json
from collections.abc import Sequence
from functools import cached_property
from random import Random
from typing import Protocol

from redis import Redis

from bench.parts.order.requests import Request
from bench.parts.order.upstreams import Upstream, by_name
from config.breaker import Breaker
from worker.admission import breaker
from worker.admission.decision import Attempted, Decision, Permit
from worker.admission.score import Rate, Scoring
from worker.limits.demand import USUAL_OUTPUT
from worker.store.client import client
from worker.store.scripts import lua
from worker.store.store import Store

NAMESPACE, TIER = "simulated", "default"
EPOCH = 1_700_000_000_000  # ms

PATIENCE = 60.0  # s

EXPLORED = 0.01 / 3
"""Share of completions that ask the provider with the oldest data: one in a hundred of those of low priority, which are
a third here."""

_CLOCK = f"""local function clock() return tonumber(redis.call('GET', '{{{NAMESPACE}}}:2:clock')) end
"""


class Admission(Protocol):
    """Grants permits, and takes what came of them; `now` is in seconds of the simulation."""

    def acquire(self, now: float, request: Request, providers: Sequence[str]) -> Decision:
        """Takes a permit from the first of these providers that admits."""

    def record(self, now: float, request: Request, attempted: Attempted, remaining: Sequence[str]) -> Decision:
        """Records an attempt, and after a failure takes a permit from the first of those that remain."""

    def admits(self, now: float, providers: Sequence[str]) -> bool:
        """Returns whether one of these providers admits."""


class Anybody:
    """Admits everybody, and learns nothing."""

    def acquire(self, now: float, request: Request, providers: Sequence[str]) -> Decision:
        """Takes the first."""
        return Decision("next", Permit(providers[0], 0)) if providers else Decision("none")

    def record(self, now: float, request: Request, attempted: Attempted, remaining: Sequence[str]) -> Decision:
        """Takes the next."""
        return self.acquire(now, request, remaining)

    def admits(self, now: float, providers: Sequence[str]) -> bool:
        """Returns whether there is one."""
        return bool(providers)


class _PatientStore(Store):
    """Waits for an answer however busy the machine is: the time that counts here is simulated."""

    @cached_property
    def redis(self) -> Redis:
        return client(self._url, PATIENCE)


class Breakers:
    """The product's breakers. With a `second_usd` their scripts choose, too: all providers are one scored group."""

    def __init__(
        self,
        url: str,
        upstreams: Sequence[Upstream],
        settings: Breaker,
        random: Random,
        second_usd: float | None = None,
    ) -> None:
        """Forgets what the server knew."""
        self._upstreams = by_name(upstreams)
        providers = {name: each.provider(settings) for name, each in self._upstreams.items()}
        self._store = _PatientStore(
            url, NAMESPACE, providers, part=lambda name: _CLOCK if name == "clock" else lua(name)
        )
        self._random, self._second_usd = random, second_usd
        self._permits = 0
        self._store.run(("FLUSHDB",))

    def acquire(self, now: float, request: Request, providers: Sequence[str]) -> Decision:
        """Takes a permit."""
        permit_id, demand = self._permit_id(), self._demand(request, providers)
        command = breaker.acquire(self._store, "", "", permit_id, providers, demand)
        reply = self._store.run(self._clock(now), command)[1]
        return breaker.parse_acquire_reply(reply, permit_id, providers)

    def record(self, now: float, request: Request, attempted: Attempted, remaining: Sequence[str]) -> Decision:
        """Records an attempt."""
        permit_id, demand = self._permit_id(), self._demand(request, remaining)
        command = breaker.record(self._store, f"request {request.at}", "", permit_id, attempted, remaining, demand)
        reply = self._store.run(self._clock(now), command)[1]
        return breaker.parse_record_reply(reply, permit_id, attempted.permit.provider, remaining)

    def admits(self, now: float, providers: Sequence[str]) -> bool:
        """Asks the breakers."""
        if not providers:
            return False
        self._store.run(self._clock(now))
        return 0.0 in breaker.admissions(self._store, providers).values()

    def _clock(self, now: float) -> tuple[str, str, int]:
        return ("SET", f"{{{NAMESPACE}}}:2:clock", EPOCH + round(1000 * now))

    def _permit_id(self) -> str:
        self._permits += 1
        return f"permit-{self._permits}"

    def _demand(self, request: Request, providers: Sequence[str]) -> str:
        if self._second_usd is None or not providers:
            return ""
        scoring = Scoring(
            [1] * len(providers),
            [self._rate(self._upstreams[name]) for name in providers],
            TIER,
            request.prompt,
            USUAL_OUTPUT,
            self._second_usd,
            explores=self._random.random() < EXPLORED,
        )
        return json.dumps(scoring.demand())

    def _rate(self, upstream: Upstream) -> Rate:
        return (1000 * upstream.input_usd, 1000 * upstream.input_usd, 1000 * upstream.output_usd, 0.0)

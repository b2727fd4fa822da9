"""The fleet's breakers, asked and told through scripts; Python decides nothing about their state."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from worker.connection import Command
from worker.store import Store

NEVER = -1


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to call one provider. `lease` is empty but in half-open; results count under `generation` alone."""

    provider: str
    generation: int
    lease: str = ""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A provider that did not admit; `until` is the epoch in seconds at which to ask again, None for never.

    `reason` is `open`, `half-open`, `rate-limited`, `authentication`, `forced-open` or, where another one admits,
    `demoted`.
    """

    provider: str
    reason: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next.

    `next` carries a permit, `retry` means the provider just asked, after the planned countdown, `lost` that
    another delivery holds the task. `wait` is the seconds until some provider admits, None for never; set with
    `none` only. `change` is the state that a record moved its breaker to, else empty.
    """

    kind: Literal["next", "none", "retry", "lost"]
    permit: Permit | None = None
    passed_over: tuple[PassedOver, ...] = ()
    wait: float | None = None
    change: str = ""


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt's outcome as the breaker is told it; times in ms.

    `outcome` is the rule's `breaker` word. `retry_after` 0 is none, `countdown` -1 plans no retry; `failure` is
    the class and status in a few words, empty for a success; `first_token` is 0 where it is not known.
    """

    permit: Permit
    outcome: str
    latency: float
    retry_after: float = 0
    countdown: float = NEVER
    failure: str = ""
    first_token: float = 0


def acquire(store: Store, task_id: str, token: str, lease: str, providers: Sequence[str]) -> Command:
    """Returns the command that takes a permit from the first of `providers` that admits; see `acquired`.

    Args:
        store: the shared store.
        task_id: the task on whose behalf.
        token: of the task's lease, which must be held; empty asks for none.
        lease: the id of the half-open permit, should it be one; never used twice.
        providers: the rest of the chain, in order.
    """
    keys = [store.task(task_id), store.events, *map(store.breaker, providers)]
    return store.script("acquire", keys, token, lease, *providers)


def record(
    store: Store, task_id: str, token: str, lease: str, attempted: Attempted, providers: Sequence[str]
) -> Command:
    """Returns the command that records an attempt and asks what comes next; see `recorded`, and `acquire`."""
    provider = attempted.permit.provider
    keys = [store.task(task_id), store.events, store.breaker(provider), *map(store.breaker, providers)]
    return store.script(
        "record",
        keys,
        token,
        lease,
        attempted.outcome,
        attempted.permit.generation,
        attempted.permit.lease,
        task_id,
        round(attempted.latency),
        round(attempted.retry_after),
        round(attempted.countdown),
        random.randrange(1000),  # noqa: S311 - spreads reopenings, keeps no secret
        attempted.failure,
        round(attempted.first_token),
        provider,
        *providers,
    )


def acquired(reply: Sequence[Any], lease: str, providers: Sequence[str]) -> Decision:
    """Returns the decision in a reply of `acquire`."""
    if reply[0] in ("lost", "retry"):
        return Decision(reply[0])
    kind, place, generation, leased, earliest, now, *over = reply
    passed = tuple(
        PassedOver(provider, reason, None if until == NEVER else until / 1000)
        for provider, reason, until in zip(providers, over[::2], over[1::2], strict=False)
        if reason
    )
    if kind == "next":
        permit = Permit(providers[place - 1], generation, lease if leased else "")
        return Decision("next", permit, passed)
    return Decision("none", None, passed, None if earliest == NEVER else max(0.0, (earliest - now) / 1000))


def recorded(reply: Sequence[Any], lease: str, providers: Sequence[str]) -> Decision:
    """Returns the decision in a reply of `record`."""
    decision = acquired(reply[2:], lease, providers)
    return Decision(decision.kind, decision.permit, decision.passed_over, decision.wait, str(reply[1]))


def extend(store: Store, permit: Permit, seconds: float) -> bool:
    """Extends a half-open permit at its first token; False where it had run out already."""
    command = store.script("extend", [store.breaker(permit.provider)], permit.lease, round(seconds * 1000))
    return bool(store.run(command)[0])


def control(
    store: Store, provider: str, action: Literal["open", "closed", "reset"], *, by: str, seconds: float = 0.0
) -> None:
    """Forces a breaker open or closed for `seconds` (0: without end), or forgets everything of it.

    Raises:
        StoreAway: the store did not answer.
    """
    keys = [store.events, store.breaker(provider)]
    store.run(store.script("control", keys, provider, action, round(seconds * 1000), by))


def probed(store: Store, provider: str, *, answered: bool, authenticated: bool) -> Command:
    """Returns the command that takes in what one probe found; an authenticated one ends a block by a 401."""
    keys = [store.events, store.breaker(provider), store.probes(provider)]
    return store.script("probed", keys, provider, int(answered), int(authenticated))


Instant = Annotated[float, BeforeValidator(lambda ms: int(ms) / 1000)]
"""An epoch in seconds, from one in ms; 0 is none."""


class Snapshot(BaseModel):
    """One breaker as it stands, and the counts that go with it.

    `status` is `healthy`, `degraded`, `unhealthy`, or `unknown` where it was never asked or probed; `cause` says why.
    `override` is empty where none is set. `streak` and `wins` are failures and successes in a row, `count` and
    `failed` the last 100 calls, `misses` the probes in a row without an answer.
    """

    model_config = ConfigDict(frozen=True)

    provider: str
    now: Instant
    status: Literal["healthy", "degraded", "unhealthy", "unknown"] = "unknown"
    cause: str = ""
    state: Literal["closed", "open", "half-open"] = "closed"
    generation: int = 0
    open_until: Instant = 0.0
    opens: int = 0
    passed: int = 0
    limited_until: Instant = 0.0
    demoted_until: Instant = 0.0
    override: Literal["", "open", "closed"] = ""
    override_until: Instant = 0.0
    locked: bool = False
    quota: int = 0
    streak: int = 0
    wins: int = 0
    count: int = 0
    failed: int = 0
    error: str = ""
    error_at: Instant = 0.0
    misses: int = 0
    settings: str = ""


def snapshot(store: Store, providers: Sequence[str]) -> list[Snapshot]:
    """Returns each provider's breaker; one that was never asked is closed.

    Raises:
        StoreAway: the store did not answer.
    """
    now, *flats = store.run(store.script("snapshot", [store.breaker(p) for p in providers]))[0]
    return [
        Snapshot(provider=provider, now=now, **dict(zip(flat[::2], flat[1::2], strict=True)))
        for provider, flat in zip(providers, flats, strict=True)
    ]

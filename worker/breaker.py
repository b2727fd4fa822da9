"""The fleet's breakers, asked and told through scripts; Python decides nothing about their state."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from worker.store import Command, Store

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

    `reason` is `open`, `half-open`, `rate-limited`, `authentication` or `forced-open`.
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
    the class and status in a few words, empty for a success.
    """

    permit: Permit
    outcome: str
    latency: float
    retry_after: float = 0
    countdown: float = NEVER
    failure: str = ""


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
    store: Store,
    provider: str,
    action: Literal["open", "closed", "reset", "unlock"],
    *,
    by: str,
    seconds: float = 0.0,
) -> bool:
    """Forces a breaker for `seconds` (0: without end), resets it, or ends a block for authentication."""
    keys = [store.events, store.breaker(provider)]
    return bool(store.run(store.script("control", keys, provider, action, round(seconds * 1000), by))[0])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One breaker as it stands; times are epochs in seconds, 0 for none. `override` is empty where none is set."""

    provider: str
    state: str
    generation: int
    open_until: float
    opens: int
    passed: int
    limited_until: float
    override: str
    override_until: float
    locked: bool
    quota: int
    streak: int
    count: int
    failed: int
    error: str
    error_at: float
    now: float


def snapshot(store: Store, providers: Sequence[str]) -> list[Snapshot]:
    """Returns each provider's breaker; one that was never asked is closed."""
    reply = store.run(store.script("snapshot", [store.breaker(p) for p in providers]))[0]
    now = reply[0] / 1000
    return [
        _snapshot(p, dict(zip(flat[::2], flat[1::2], strict=True)), now)
        for p, flat in zip(providers, reply[1:], strict=True)
    ]


def _snapshot(provider: str, fields: dict[str, str], now: float) -> Snapshot:
    def number(name: str) -> int:
        return int(fields.get(name, 0))

    return Snapshot(
        provider=provider,
        state=fields.get("state", "closed"),
        generation=number("generation"),
        open_until=number("open_until") / 1000,
        opens=number("opens"),
        passed=number("passed"),
        limited_until=number("limited_until") / 1000,
        override=fields.get("override", ""),
        override_until=number("override_until") / 1000,
        locked=number("locked") == 1,
        quota=number("quota"),
        streak=number("streak"),
        count=number("count"),
        failed=number("failed"),
        error=fields.get("error", ""),
        error_at=number("error_at") / 1000,
        now=now,
    )


def latencies(store: Store, provider: str) -> list[float]:
    """Returns the latencies in seconds of the successes among the last 100 calls, sorted."""
    ring: bytes = store.run(("GETRANGE", store.window(provider), 0, -1), raw=True)[0]
    entries = (ring[i : i + 4] for i in range(0, len(ring), 4))
    return sorted(int.from_bytes(e[1:], "big") / 1000 for e in entries if e[0] == 1)

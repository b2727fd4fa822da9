"""The fleet's breakers: commands for their scripts, and parsed replies. Only the scripts change a breaker's state."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from worker.admission.decision import NEVER as NEVER
from worker.admission.decision import RETRY_BUDGET
from worker.admission.decision import Attempted as Attempted
from worker.admission.decision import Decision as Decision
from worker.admission.decision import Permit as Permit
from worker.admission.decision import Skipped as Skipped
from worker.admission.score import Scored, parse_score, parse_scored
from worker.admission.stored import Instant, Median
from worker.store.connection import Command
from worker.store.store import Store


def acquire(
    store: Store, task_id: str, lease_id: str, permit_id: str, providers: Sequence[str], demand: str = ""
) -> Command:
    """Returns the command that takes a permit from the first of `providers` that admits; see `parse_acquire_reply`.

    Args:
        store: the shared store.
        task_id: the task that needs the permit.
        lease_id: the lease that must hold the task; empty needs no lease.
        permit_id: the id of the permit if it is a half-open one, and of its slot; never used twice.
        providers: the remaining providers of the chain, in order.
        demand: what the completion will use of limits and budgets, see worker/limits/demand.py; and what scores the
            providers of a group, see worker/admission/score.py.
    """
    keys = [store.keys.task(task_id), store.keys.events, *map(store.keys.breaker, providers)]
    return store.script("acquire", keys, lease_id, permit_id, demand, *providers)


def record(
    store: Store,
    task_id: str,
    lease_id: str,
    permit_id: str,
    attempted: Attempted,
    providers: Sequence[str],
    demand: str = "",
) -> Command:
    """Returns the command that records an attempt and decides what comes next; see `parse_record_reply`, `acquire`."""
    permit, bill = attempted.permit, attempted.bill
    keys = [store.keys.task(task_id), store.keys.events, *map(store.keys.breaker, (permit.provider, *providers))]
    # In the order of ARGV in lua/admission/record.lua.
    arguments: dict[str, str | int] = {
        "task_id": task_id,
        "lease_id": lease_id,
        "next_permit_id": permit_id,
        "outcome": f"{attempted.outcome} {attempted.key}".rstrip(),
        "generation": permit.generation,
        "half_open_id": permit.half_open_id,
        "latency_ms": round(attempted.latency_ms),
        "retry_after_ms": round(attempted.retry_after_ms),
        "countdown_ms": round(attempted.countdown_ms),
        "draw": random.randrange(1000),  # noqa: S311 - spreads reopenings, not a secret
        "failure": attempted.failure,
        "first_token": f"{attempted.first_token_ms:.0f}{attempted.lesson or ''}",
        "tried": " ".join(attempted.tried),
        "provider": permit.provider,
        "slot_id": permit.slot_id,
        "reserved_ms": permit.reserved_ms,
        "settlement": bill.settlement,
        "ledger": bill.ledger,
        "demand": demand,
        "sample": str(attempted.sample or ""),
    }
    return store.script("record", keys, *arguments.values(), *providers)


def parse_acquire_reply(reply: Sequence[Any], permit_id: str, providers: Sequence[str]) -> Decision:
    """Returns the decision in a reply of `acquire`."""
    if reply[0] in ("lease-lost", "retry"):
        return Decision(reply[0])
    kind, place, generation, is_half_open, earliest, now, refusals, *more = reply
    skipped = tuple(_skipped(refusals, providers))
    if kind == "next":
        return Decision("next", _permit(providers[place - 1], generation, permit_id, is_half_open, more), skipped)
    return Decision("none", None, skipped, None if earliest == NEVER else max(0.0, (earliest - now) / 1000))


def _skipped(refusals: Sequence[Sequence[Any]], providers: Sequence[str]) -> Iterator[Skipped]:
    """Yields the providers that did not admit; one of a group names its place."""
    for i, (reason, until, *place) in enumerate(refusals):
        if reason:
            provider = providers[place[0] - 1 if place else i]
            yield Skipped(provider, reason, None if until == NEVER else until / 1000)


def _permit(provider: str, generation: int, permit_id: str, is_half_open: int, more: Sequence[Any]) -> Permit:
    usual, *rest = more
    learned = dict(zip(usual[::2], usual[1::2], strict=True))
    permit = Permit(provider, generation, permit_id if is_half_open else "", usual=learned)
    reserved_ms, score = [*rest, 0, None][:2]
    if reserved_ms:
        permit = replace(permit, slot_id=permit_id, reserved_ms=reserved_ms)
    return replace(permit, score=parse_score(score)) if score else permit


def parse_record_reply(reply: Sequence[Any], permit_id: str, asked: str, providers: Sequence[str]) -> Decision:
    """Returns the decision in a reply of `record`, of an attempt at the provider `asked`."""
    _, change, following, postponed = reply
    found = parse_acquire_reply(following, permit_id, providers)
    skipped = (Skipped(asked, RETRY_BUDGET, postponed / 1000),) if postponed else ()
    return replace(found, change=str(change), skipped=skipped + found.skipped)


def admissions(store: Store, providers: Sequence[str]) -> dict[str, float | None]:
    """Returns the seconds until each provider admits: 0 for now, None where no time is known. Nothing is taken.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    now, *found = store.run(store.script("admissions", [store.keys.breaker(p) for p in providers], *providers))[0]
    return {
        provider: None if until == NEVER else max(0.0, (until - now) / 1000)
        for provider, until in zip(providers, found, strict=True)
    }


def extend(store: Store, permit: Permit, seconds: float) -> bool:
    """Extends a half-open permit by `seconds` from now; returns False if it had run out or was extended before.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    command = store.script("extend", [store.keys.breaker(permit.provider)], permit.half_open_id, round(seconds * 1000))
    return bool(store.run(command)[0])


def control(
    store: Store, provider: str, action: Literal["open", "closed", "reset"], *, by: str, seconds: float = 0.0
) -> None:
    """Forces a breaker open or closed for `seconds` (0: without end), or resets it.

    A reset forgets everything but the generation. `by` is who asked, for the event.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    keys = [store.keys.events, store.keys.breaker(provider)]
    store.run(store.script("control", keys, provider, action, round(seconds * 1000), by))


def probed(store: Store, provider: str, *, answered: bool, authenticated: bool, key: str = "") -> Command:
    """Returns the command that records one probe; an authenticated one clears an authentication lock.

    `key` is the fingerprint of the key that it had, empty without one.
    """
    keys = [store.keys.events, store.keys.breaker(provider), store.keys.probes(provider)]
    return store.script("probed", keys, provider, int(answered), int(authenticated), key)


class Snapshot(BaseModel):
    """One breaker's current state and counts.

    1. `status` is `unknown` if the provider was never asked or probed; `cause` is the most severe one.
    2. `override` is empty if none is set; `override_by` is who set one, the latest, and `override_at` when.
    3. `count` and `failed` cover the last 100 calls; `failed_probes` counts consecutive ones.
    4. `settings` are those that the last writer had, separated by `/`.
    5. `latency_mean` is the median of the last first tokens. Since `slow_since` it is far above `usual_mean`.
    6. Since `unhealthy` the status is that, 0 while it is another or the time is not known.
    7. `refused` are the fingerprints of the keys that the vendor has refused, separated by blanks.
    8. `scores` are by tier, of a provider whose scores have decided.
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
    half_open_successes: int = 0
    limited_until: Instant = 0.0
    deprioritised_until: Instant = 0.0
    override: Literal["", "open", "closed"] = ""
    override_until: Instant = 0.0
    override_by: str = ""
    override_at: Instant = 0.0
    auth_locked: bool = False
    refused: str = ""
    quota: int = 0
    consecutive_failures: int = 0
    consecutive_successes: int = 0
    count: int = 0
    failed: int = 0
    latency_mean: Median = 0.0
    usual_mean: Median = 0.0
    slow_since: Instant = 0.0
    error: str = ""
    error_at: Instant = 0.0
    unhealthy: Instant = 0.0
    failed_probes: int = 0
    settings: str = ""
    scores: dict[str, Scored] = Field(default_factory=dict)


def snapshot(store: Store, providers: Sequence[str]) -> list[Snapshot]:
    """Returns each provider's breaker; one that was never asked is closed and `unknown`.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    now, *flats = store.run(store.script("snapshot", [store.keys.breaker(p) for p in providers]))[0]
    return [
        _snapshot(provider, now, dict(zip(flat[::2], flat[1::2], strict=True)))
        for provider, flat in zip(providers, flats, strict=True)
    ]


def _snapshot(provider: str, now: int, stored: dict[str, str]) -> Snapshot:
    tiers = {name.removeprefix("scored:"): text for name, text in stored.items() if name.startswith("scored:")}
    scores = {tier: parse_scored(text) for tier, text in sorted(tiers.items())}
    at, _, by = stored.pop("override_by", "").partition(" ")
    if stored.get("unhealthy") == "1":  # of a worker of a release that did not keep the time
        del stored["unhealthy"]
    return Snapshot(provider=provider, now=now, scores=scores, override_by=by, override_at=float(at or 0), **stored)

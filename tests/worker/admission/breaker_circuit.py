"""One breaker in plain Python: its fields, and what follows from them at one time. Times are in ms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.breaker import Breaker
from config.limits import Limits

NEVER, RING = -1, 100


@dataclass(frozen=True)
class Rules:
    """One deployment's settings of a breaker; `permit_ms` is how long a half-open permit lasts.

    `limits` are those of the providers that have any.
    """

    breaker: Breaker
    permit_ms: int
    limits: Mapping[str, Limits] = field(default_factory=dict)

    def of(self, name: str) -> Limits:
        return self.limits.get(name, Limits())

    @property
    def text(self) -> str:
        b = self.breaker
        cooldown = round(1000 * b.cooldown_period)
        counts = (b.failure_threshold, b.success_threshold, cooldown, self.permit_ms)
        a, budget = b.adaptive, (b.retry_budget.share, b.retry_budget.min_per_minute)
        return "/".join(map(str, (*counts, a.failures, a.latency, a.first_tokens, a.stalls, *budget)))


@dataclass
class Circuit:
    """One breaker.

    `consecutive_failures` has their requests, `blamed` those of the failures since the failure detector's sum was 0;
    `ring` the last outcomes (failed, latency) by place, `calls` their number; `permits` the half-open permits and
    their deadlines, with a half where they were extended; `expires` is whether its keys do.
    """

    state: str = "closed"
    generation: int = 0
    open_until: int = 0
    limited_until: int = 0
    deprioritised_until: int = 0
    override: str = ""
    override_until: int = 0
    override_by: str = ""
    auth_locked: int = 0
    refused: str = ""
    seen: int = 0
    opens: int = 0
    half_open_successes: int = 0
    quota: int = 0
    consecutive_failures: tuple[str, ...] = ()
    calls: int = 0
    consecutive_successes: int = 0
    error: str = ""
    error_at: int = 0
    failure_sum: int = 0
    failure_base: int = 0
    blamed: tuple[str, ...] = ()
    latency_sum: int = 0
    latency_mean: int = 0
    latency_variance: int = 0
    latency_count: int = 0
    usual_mean: int = 0
    usual_age: int = 0
    usual_at: int = 0
    slow_since: int = 0
    budget_calls: int = 0
    budget_retries: int = 0
    budget_at: int = 0
    usual: tuple[int, ...] = ()
    censored_at: int = 0
    score: tuple[int, ...] = ()
    speed: tuple[int, ...] = ()
    load: tuple[int, ...] = ()
    hot_until: int = 0
    failed_probes: int = 0
    unhealthy: int = 0
    settings: str = ""
    others: str = ""
    ring: tuple[tuple[bool, int], ...] = ()
    permits: dict[str, float] = field(default_factory=dict)
    expires: bool = True

    def fields(self) -> dict[str, Any]:
        """Returns the fields as they are stored."""
        listed = {name: " ".join(map(str, getattr(self, name))) for name in ("usual", "score", "speed", "load")}
        derived = ("consecutive_failures", "calls", "blamed", "ring", "permits", "expires", *listed)
        return {name: value for name, value in vars(self).items() if name not in derived} | {
            "consecutive_failures": len(self.consecutive_failures),
            "first": self.consecutive_failures[0] if self.consecutive_failures else "",
            "several": int(len(set(self.consecutive_failures)) > 1), "count": len(self.ring), "failed": self.failed,
            "index": self.calls % RING, "sum_first": self.blamed[0] if self.blamed else "",
            "sum_several": int(len(set(self.blamed)) > 1), "load": listed.pop("load"),
            **{f"{name}:default": text for name, text in listed.items()},
        }  # fmt: skip

    def window(self) -> bytes:
        """Returns the ring as it is stored."""
        return b"".join(bytes([2 if failed else 1]) + latency.to_bytes(3, "big") for failed, latency in self.ring)

    @property
    def failed(self) -> int:
        return sum(failed for failed, _ in self.ring)

    @property
    def status(self) -> tuple[str, str]:
        """Returns the health at the time last seen, and its cause."""
        few = len(self.ring) < 10 or self.failed * 10 <= len(self.ring)
        causes = [
            ("unhealthy", "authentication", self.auth_locked), ("unhealthy", "circuit-breaker", self.state != "closed"),
            ("unhealthy", "probes", self.failed_probes >= 3), ("degraded", "probes", self.failed_probes),
            ("degraded", "rate-limited", self.limited_until > self.seen),
            ("degraded", "latency", self.deprioritised_until > self.seen), ("degraded", "failures", not few),
        ]  # fmt: skip
        return next(((status, cause) for status, cause, so in causes if so), ("healthy", ""))

    def refusal(self) -> tuple[str, int] | None:
        """Returns why it does not admit at the time last seen, and when to ask again."""
        if self.override == "closed":
            return None
        if self.override == "open":
            return "forced-open", self.override_until or NEVER
        if self.auth_locked:
            return "authentication", NEVER
        if self.limited_until > self.seen:
            return "rate-limited", self.limited_until
        if self.state == "open" and self.open_until > self.seen:
            return "open", self.open_until
        if self.state == "half-open" and any(until > self.seen for until in self.permits.values()):
            return "half-open", self.seen + 1000
        return None

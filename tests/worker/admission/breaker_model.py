"""The shared breaker in plain Python: what the scripts must do, said a second time and in another way.

Methods are named as the scripts, take what these take, and return what these reply. Times are in ms.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.worker.admission.breaker_circuit import NEVER, RING, Circuit, Rules
from tests.worker.admission.breaker_detectors import Figures, linger, suspect
from tests.worker.admission.limits_model import Demand, Used

HOUR, MINUTE = 3_600_000, 60_000

Event = dict[str, str]


@dataclass(frozen=True)
class Attempt:
    """What a record says of one attempt; `permit` and `slot` are empty where it held none."""

    outcome: str
    generation: int
    permit: str
    request: str
    latency: int = 100
    retry_after: int = 0
    countdown: int = NEVER
    draw: int = 0
    failure: str = ""
    first_token: int = 0
    slot: str = ""
    reserved_at: int = 0
    settlement: Demand = field(default_factory=dict)
    demand: Demand = field(default_factory=dict)


class Model:
    """All breakers of a fleet, by provider, and the events so far."""

    def __init__(self, time: int) -> None:
        self.time = time
        self.circuits: dict[str, Circuit] = {}
        self.events: list[Event] = []
        self.used = Used()

    def read(self, name: str) -> Circuit:
        """Returns a copy of a breaker, as it is now."""
        c = self.circuits.get(name) or Circuit(generation=self.time)
        c = replace(c, permits=dict(c.permits), seen=max(self.time, c.seen))
        if c.override and 0 < c.override_until <= c.seen:
            c.override, c.override_until = "", 0
        return c

    def write(self, name: str, c: Circuit, rules: Rules) -> None:
        if rules.text not in (c.settings, c.others):
            if c.settings:
                c.others = c.settings
                self.emit("breaker-settings-differ", name, c, here=rules.text, there=c.settings)
            c.settings = rules.text
        status, cause = c.status
        if (status == "unhealthy") != bool(c.unhealthy):
            c.unhealthy = 1 - c.unhealthy
            self.emit("provider-unhealthy" if c.unhealthy else "provider-recovered", name, c, cause=cause)
        c.expires = not c.override
        self.circuits[name] = c

    def emit(self, kind: str, name: str, c: Circuit, **fields: Any) -> None:
        texts = {key: str(value) for key, value in fields.items()}
        self.events.append({"type": kind, "provider": name, "at_ms": str(c.seen), **texts})

    def move(self, c: Circuit, to: str) -> None:
        c.state, c.generation, c.permits = to, max(c.generation + 1, c.seen), {}
        c.half_open_successes, c.failure_sum, c.blamed = 0, 0, ()

    def open(self, name: str, c: Circuit, length: float, draw: int, cause: str, **figures: Any) -> None:
        self.move(c, "open")
        c.opens += 1
        c.open_until = c.seen + math.floor(length * (1 + draw / 10_000))
        failures, until = len(c.consecutive_failures), c.open_until
        self.emit("circuit-breaker-open", name, c, cause=cause, failures=failures, open_until_ms=until, opens=c.opens,
            **figures)  # fmt: skip

    def trip(self, name: str, c: Circuit, rules: Rules, draw: int, cause: str, **figures: Any) -> None:
        cooldown = rules.breaker.cooldown_period * 1000
        longest = max(10 * MINUTE, cooldown)
        self.open(name, c, min(cooldown * 2**c.opens, longest), draw, cause, **figures)

    def acquire(
        self, chain: Sequence[str], permit: str, rules: Rules, demand: Demand, task: str, *, held: bool = True
    ) -> list[Any]:
        return self._first_admitting(chain, permit, rules, demand, task) if held else ["lease-lost"]

    def _first_admitting(self, chain: Sequence[str], permit: str, rules: Rules, demand: Demand, task: str) -> list[Any]:
        asked: list[tuple[str, tuple[str, int] | None]] = []
        for place, name in enumerate(chain):
            c = self.read(name)
            if name not in self.circuits:
                self.write(name, c, rules)
            refusal = c.refusal() or self.used.beyond(name, rules.of(name), c.seen, demand, place, task)
            if not refusal and c.deprioritised_until > c.seen and not c.override:
                refusal = ("deprioritised", c.deprioritised_until)
            asked.append((name, refusal))
            if not refusal:
                break
        places = [i for i, (_, refusal) in enumerate(asked) if not refusal or refusal[0] == "deprioritised"]
        times = [refusal[1] for _, refusal in asked if refusal and refusal[1] != NEVER]
        if not places:
            over = [list(refusal) for _, refusal in asked if refusal]
            return ["none", 0, 0, 0, min(times, default=NEVER), self.time, over]
        # The last is the only one that can be without a reason; else the first that is merely deprioritised.
        place = len(asked) - 1 if not asked[-1][1] else places[0]
        over = [["" if i == place else refusal[0], refusal[1]] for i, (_, refusal) in enumerate(asked) if refusal]
        granted = ["next", place + 1, *self._grant(chain[place], permit, rules), NEVER, self.time, over]
        limits, now = rules.of(chain[place]), self.read(chain[place]).seen
        return granted + self.used.reserve(chain[place], limits, now, demand, place, task, permit)

    def _grant(self, name: str, permit: str, rules: Rules) -> list[int]:
        c = self.read(name)
        if c.override == "closed" or c.state == "closed":
            return [c.generation, 0]
        if c.state == "open":
            self.move(c, "half-open")
            self.emit("circuit-breaker-half-open", name, c)
        c.permits = {one: until for one, until in c.permits.items() if until > c.seen} | {
            permit: c.seen + rules.permit_ms
        }
        self.write(name, c, rules)
        return [c.generation, 1]

    def extend(self, name: str, permit: str, ms: int) -> int:
        c = self.read(name)
        until = c.permits.get(permit, 0)
        if until <= c.seen or until % 1:
            return 0
        self.circuits[name].permits[permit] = c.seen + ms + 0.5
        return 1

    def control(self, name: str, action: str, ms: int, by: str, rules: Rules) -> None:
        c = self.read(name)
        kind = "reset" if action == "reset" else f"forced-{action}"
        if action == "reset":
            generation = max(c.generation + 1, c.seen) if name in self.circuits else c.seen
            c = Circuit(generation=generation, seen=c.seen, unhealthy=c.unhealthy)
        else:
            c.override, c.override_until = action, c.seen + ms if ms else 0
        self.emit(f"circuit-breaker-{kind}", name, c, by=by, until_ms=c.override_until)
        self.write(name, c, rules)

    def probed(self, name: str, answered: int, authenticated: int, rules: Rules) -> None:
        c = self.read(name)
        c.failed_probes = 0 if answered else c.failed_probes + 1
        if authenticated and c.auth_locked:
            c.auth_locked = 0
            self.emit("provider-auth-unlocked", name, c, by="probe")
        self.write(name, c, rules)

    def record(
        self, name: str, attempt: Attempt, remaining: Sequence[str], permit: str, rules: Rules, *, held: bool = True
    ) -> list[Any]:
        known, c = name in self.circuits, self.read(name)
        before, counted = c.state, 0
        if attempt.retry_after:
            c.limited_until = max(c.limited_until, c.seen + min(attempt.retry_after, HOUR))
        if known and c.generation == attempt.generation:
            counted = self._count(name, c, attempt, rules)
        if counted or attempt.retry_after:
            self.write(name, c, rules)
        change = c.state if c.state != before else ""
        self.used.settle(name, rules.of(name), attempt)
        decision = self._next(name, attempt, remaining, permit, rules, opened=change == "open", held=held)
        if attempt.failure:
            self._emit_failure(name, c, attempt, remaining, decision)
        return [counted, change, decision]

    def _count(self, name: str, c: Circuit, a: Attempt, rules: Rules) -> int:
        alive = c.permits.pop(a.permit, 0) > c.seen
        if a.outcome == "success" and c.state == "half-open" and not c.override and not alive:
            self.circuits[name].permits.pop(a.permit, None)
            return 0
        if a.failure and a.outcome != "ignored":
            c.error, c.error_at = a.failure, c.seen
        if a.outcome in ("success", "failure"):
            self._take_in(c, a)
            if not c.override:
                self._judge(name, c, a, rules)
        elif a.outcome == "authentication" and not c.auth_locked:
            c.auth_locked = 1
            self.emit("provider-auth-locked", name, c, cause="authentication")
        elif a.outcome == "quota" and not c.override:
            c.quota += 1
            self.open(name, c, min(10 * MINUTE * 2 ** (c.quota - 1), HOUR), a.draw, "quota-exhausted")
        return 1

    def _take_in(self, c: Circuit, a: Attempt) -> None:
        failed = a.outcome == "failure"
        ring = list(c.ring) if len(c.ring) == RING else [*c.ring, (False, 0)]
        ring[c.calls % RING] = (failed, min(a.latency, 2**24 - 1))
        c.ring, c.calls = tuple(ring), c.calls + 1
        c.consecutive_failures, c.consecutive_successes = (
            ((*c.consecutive_failures, a.request), 0) if failed else ((), c.consecutive_successes + 1)
        )

    def _judge(self, name: str, c: Circuit, a: Attempt, rules: Rules) -> None:
        failed, breaker = a.outcome == "failure", rules.breaker
        if c.state == "closed":
            alarm = suspect(c, breaker, a.request if failed else None)
            if len(c.consecutive_failures) >= breaker.failure_threshold and len(set(c.consecutive_failures)) > 1:
                self.trip(name, c, rules, a.draw, "consecutive-failures")
            elif alarm and breaker.adaptive.failures == "on":
                self.trip(name, c, rules, a.draw, "failure-rate", **alarm)
            elif alarm:
                self.emit("circuit-breaker-would-open", name, c, cause="failure-rate", **alarm)
            if not failed and a.first_token >= 1:
                self._notice(name, c, linger(c, breaker, a.first_token), breaker.adaptive.latency)
        elif c.state == "half-open" and a.permit and failed:
            self.trip(name, c, rules, a.draw, "failed-while-half-open")
        elif c.state == "half-open" and a.permit:
            c.half_open_successes += 1
            if c.half_open_successes >= breaker.success_threshold:
                self.move(c, "closed")
                c.opens, c.quota, c.open_until = 0, 0, 0
                self.emit("circuit-breaker-closed", name, c)

    def _notice(self, name: str, c: Circuit, alarm: Figures | None, mode: str) -> None:
        if alarm and mode == "on":
            c.deprioritised_until = c.seen + 15_000
            self.emit("provider-deprioritised", name, c, until_ms=c.deprioritised_until, **alarm)
        elif alarm:
            self.emit("provider-would-be-deprioritised", name, c, **alarm)

    def _next(
        self, name: str, a: Attempt, remaining: Sequence[str], permit: str, rules: Rules, *, opened: bool, held: bool
    ) -> list[Any]:
        if not held:
            return ["lease-lost"]
        if a.countdown != NEVER and not opened:
            refusal = (c := self.read(name)).refusal()
            if not refusal or NEVER < refusal[1] <= c.seen + a.countdown:
                return ["retry"]
        return self._first_admitting(remaining, permit, rules, a.demand, a.request)

    def _emit_failure(self, name: str, c: Circuit, a: Attempt, remaining: Sequence[str], decision: list[Any]) -> None:
        kind, *where = decision
        will = remaining[where[0] - 1] if kind == "next" else ""
        fate = {"decision": kind, "will_retry": "true" if kind == "retry" or will else "false", "next": will}
        fate |= {"countdown_ms": a.countdown if kind == "retry" else 0, "request": a.request, "failure": a.failure}
        self.emit("request-failure", name, c, **fate)

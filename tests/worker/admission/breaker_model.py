"""The shared breaker in plain Python: what the scripts must do, said a second time and in another way.

Methods are named as the scripts, take what these take, and return what these reply. Times are in ms.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from tests.worker.admission.breaker_attempt import Attempt
from tests.worker.admission.breaker_budget import postponed, spend
from tests.worker.admission.breaker_circuit import NEVER, RING, Circuit, Rules
from tests.worker.admission.breaker_circuits import HOUR, MINUTE, Circuits
from tests.worker.admission.breaker_detectors import Figures, learn, linger, suspect
from tests.worker.admission.breaker_usual import drift
from tests.worker.admission.limits_model import Demand, Used
from tests.worker.admission.score_lessons import learn_score
from tests.worker.admission.score_model import Member, rank


class Model(Circuits):
    """What the scripts do with all breakers of a fleet, what its tasks tried, and what it used of limits."""

    def __init__(self, time: int) -> None:
        super().__init__(time)
        self.tried: dict[str, tuple[str, ...]] = {}
        self.used = Used()

    def acquire(
        self, chain: Sequence[str], permit: str, rules: Rules, demand: Demand, task: str, *, held: bool = True
    ) -> list[Any]:
        tried = self.tried.get(task, ())
        return self._first_admitting(chain, permit, rules, demand, task, tried) if held else ["lease-lost"]

    def _first_admitting(
        self, chain: Sequence[str], permit: str, rules: Rules, demand: Demand, task: str, tried: Sequence[str]
    ) -> list[Any]:
        asked: list[tuple[Member, tuple[str, int] | None]] = []
        for one in self._members(chain, rules, demand):
            name, c = one.name, one.circuit
            if name not in self.circuits:
                self.write(name, c, rules)
            deprioritised = c.deprioritised_until > c.seen and not c.override and not one.score
            due = postponed(c, rules.breaker) if name in tried else None
            refusal = (
                c.refusal()
                or self.used.beyond(name, rules.of(name), c.seen, demand, one.place - 1, task)
                or (("retry-budget", due) if due else None)
                or (("deprioritised", c.deprioritised_until) if deprioritised else None)
            )
            asked.append((one, refusal))
            if not refusal:
                break
        able = [one for one, refusal in asked if not refusal or refusal[0] == "deprioritised"]
        times = [refusal[1] for _, refusal in asked if refusal and refusal[1] != NEVER]
        # The last is the only one that can be without a reason; else the first that is merely deprioritised.
        chosen = (asked[-1][0] if asked and not asked[-1][1] else able[0]) if able else None
        over = [
            ["" if one is chosen else refusal[0], refusal[1], *([one.place] if one.score else [])]
            for one, refusal in asked
            if refusal
        ]
        if not chosen:
            return ["none", 0, 0, 0, min(times, default=NEVER), self.time, over]
        more = chosen.load.with_one_more() if chosen.score else ()
        granted = self._grant(chosen.name, permit, rules, is_retry=chosen.name in tried, load=more)
        limits, c = rules.of(chosen.name), self.read(chosen.name)
        usual = c.fields()["usual:default"]
        reserved = self.used.reserve(chosen.name, limits, c.seen, demand, chosen.place - 1, task, permit)
        scored = [*(reserved or [0]), chosen.reply()] if chosen.score else reserved
        return ["next", chosen.place, *granted, NEVER, self.time, over, ["default", usual] if usual else [], *scored]

    def _members(self, chain: Sequence[str], rules: Rules, demand: Demand) -> Iterator[Member]:
        """Yields the providers in the order in which they are asked; a group is scored when its turn comes."""
        numbers = demand.get("scored", {}).get("groups", [0] * len(chain))
        for number, group in groupby(enumerate(chain, 1), key=lambda each: numbers[each[0] - 1]):
            members = [self._member(name, place, rules) for place, name in group]
            yield from rank(members, demand["scored"], self.time) if number else members

    def _member(self, name: str, place: int, rules: Rules) -> Member:
        c = self.read(name)
        live = [ends for ends in self.used.slots.get(name, {}).values() if ends > c.seen]
        return Member(name, place, c, rules.of(name), len(live))

    def _grant(self, name: str, permit: str, rules: Rules, *, is_retry: bool, load: tuple[int, ...] = ()) -> list[int]:
        c = self.read(name)
        if load:
            c.load = self.circuits[name].load = load
        if is_retry:
            spend(c, retries=1)
        if c.override == "closed" or c.state == "closed":
            if is_retry:
                self.write(name, c, rules)
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
            c.override_by = f"{c.seen} {by}"
        self.emit(f"circuit-breaker-{kind}", name, c, by=by, until_ms=c.override_until)
        self.write(name, c, rules)

    def probed(self, name: str, answered: int, authenticated: int, key: str, rules: Rules) -> None:
        c = self.read(name)
        if authenticated:
            c.refused = " ".join(each for each in c.refused.split() if each != key)
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
        decision, due = self._next(name, attempt, remaining, permit, rules, opened=change == "open", held=held)
        if held and attempt.tried:
            self.tried[attempt.request] = attempt.tried
        if attempt.failure:
            self._emit_failure(name, c, attempt, remaining, decision)
        return [counted, change, decision, due]

    def _count(self, name: str, c: Circuit, a: Attempt, rules: Rules) -> int:
        alive = c.permits.pop(a.permit, 0) > c.seen
        if a.outcome == "success" and c.state == "half-open" and not c.override and not alive:
            self.circuits[name].permits.pop(a.permit, None)
            return 0
        spend(c, calls=1)
        if a.failure and a.outcome != "ignored":
            c.error, c.error_at = a.failure, c.seen
        if a.outcome in ("success", "failure"):
            self._take_in(c, a)
            if not c.override:
                self._judge(name, c, a, rules)
        elif a.outcome == "authentication":
            if not c.auth_locked:
                c.auth_locked, c.refused = 1, ""
                self.emit("provider-auth-locked", name, c, cause="authentication", fingerprint=a.key)
            if a.key and a.key not in c.refused and len(c.refused) + len(a.key) < 64:
                c.refused = " ".join([*c.refused.split(), a.key])
        elif a.outcome == "quota" and not c.override:
            c.quota += 1
            self.open(name, c, min(10 * MINUTE * 2 ** (c.quota - 1), HOUR), a.draw, "quota-exhausted")
        if a.lesson and rules.breaker.adaptive.first_tokens == "on":
            learn(c, a.lesson, a.first_token)
        if a.sample:
            learn_score(c, a.sample, a.latency, a.first_token)
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
            if turn := drift(c, breaker, 0 if failed else a.first_token):
                self.emit(turn[0], name, c, **turn[1])
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
    ) -> tuple[list[Any], int]:
        if not held:
            return ["lease-lost"], 0
        due = 0
        if a.countdown != NEVER and not opened:
            refusal = (c := self.read(name)).refusal()
            if not refusal or NEVER < refusal[1] <= c.seen + a.countdown:
                due = postponed(c, rules.breaker) or 0
                if due <= c.seen + a.countdown:
                    return ["retry"], 0
        return self._first_admitting(remaining, permit, rules, a.demand, a.request, a.tried), due

    def _emit_failure(self, name: str, c: Circuit, a: Attempt, remaining: Sequence[str], decision: list[Any]) -> None:
        kind, *where = decision
        will = remaining[where[0] - 1] if kind == "next" else ""
        fate = {"decision": kind, "will_retry": "true" if kind == "retry" else "false", "next": will}
        fate |= {"countdown_ms": a.countdown if kind == "retry" else 0, "request": a.request, "failure": a.failure}
        self.emit("request-failure", name, c, **fate)

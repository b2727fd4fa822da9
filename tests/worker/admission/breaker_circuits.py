"""All breakers of a fleet in plain Python: how they are read and written, move, and open. Times are in ms."""

import math
from dataclasses import replace
from typing import Any

from tests.worker.admission.breaker_circuit import Circuit, Rules

HOUR, MINUTE = 3_600_000, 60_000

Event = dict[str, str]


class Circuits:
    """The breakers by provider, and the events so far."""

    def __init__(self, time: int) -> None:
        self.time = time
        self.circuits: dict[str, Circuit] = {}
        self.events: list[Event] = []

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
            c.unhealthy = 0 if c.unhealthy else c.seen
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

"""The fleet's silent calls of one provider in plain Python: what is reported counts for 10 s. Times are in ms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tests.worker.admission.breaker_circuit import Rules
from tests.worker.admission.breaker_model import Model

SPOKE_KEPT, KEPT, BEAT = 60_000, 10_000, 3_500


@dataclass
class Silent:
    """The entries as they are stored: each call until when it counts, and `spoke` for the last token."""

    entries: dict[str, float]

    @classmethod
    def of(cls, entries: dict[str, float], now: int) -> Self:
        """Returns those that still count."""
        return cls({entry: until for entry, until in entries.items() if until > now})

    def take(self, spoke: int, calls: Sequence[tuple[int, int, str]], now: int) -> None:
        """Takes one report."""
        if spoke > 0:
            self.entries["spoke"] = max(self.entries.get("spoke", 0), spoke + SPOKE_KEPT)
        for began, generation, request in calls:
            self.entries[f"{began} {generation} {request}"] = now + KEPT

    def of_generation(self, generation: int, now: int) -> list[tuple[int, str]]:
        """Returns begin and request of the calls since whose begin nobody spoke, and every process could say so."""
        spoke = self.entries.get("spoke", SPOKE_KEPT) - SPOKE_KEPT
        calls = (entry.split(" ") for entry in self.entries if entry != "spoke")
        found = ((int(began), request) for began, of, request in calls if int(of) == generation)
        return [(began, request) for began, request in found if spoke < began <= now - BEAT]


class FleetModel(Model):
    """All breakers of a fleet, and its silent calls by provider."""

    def __init__(self, time: int) -> None:
        super().__init__(time)
        self.silent: dict[str, dict[str, float]] = {}

    def stalls(self, name: str, spoke: int, draw: int, calls: Sequence[tuple[int, int, str]], rules: Rules) -> int:
        """Takes a report of silent calls: when each began, its generation and its request."""
        if name not in self.circuits:
            return 0
        c = self.read(name)
        silent, told = Silent.of(self.silent.get(name, {}), c.seen), min(spoke, c.seen)
        silent.take(told, calls, c.seen)
        self.silent[name] = silent.entries
        found = silent.of_generation(c.generation, c.seen)
        enough = len(found) >= rules.breaker.failure_threshold and len({request for _, request in found}) > 1
        mode = rules.breaker.adaptive.stalls
        if calls and c.state == "closed" and not c.override and enough:
            figures = {"silent": len(found), "since_ms": min(began for began, _ in found)}
            if mode == "on":
                c.error, c.error_at = "timeout stalled", c.seen
                self.trip(name, c, rules, draw, "stalled", **figures)
                self.write(name, c, rules)
            else:
                self.emit("circuit-breaker-would-open", name, c, cause="stalled", **figures)
            self.silent[name] = {}
        return c.generation

"""Limits and budgets in plain Python: what limits.lua and minute.lua must do, said a second time. Times are in ms."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from config.limits import Limits, nano_usd
from tests.worker.admission.breaker_circuit import NEVER

HALF, WINDOW, SLOT, DAY = 500, 120, 15_000, 86_400_000
MOST_FIELDS = 10_000

Demand = dict[str, Any]
"""As the scripts read it from JSON; empty without limits and budgets."""


@dataclass
class Minute:
    """What was granted of one provider: half second, requests and tokens of each grant and each correction."""

    at: int
    grants: list[tuple[int, int, int]] = field(default_factory=list)

    def sums(self) -> tuple[int, int]:
        return sum(requests for _, requests, _ in self.grants), sum(tokens for *_, tokens in self.grants)

    def stored(self) -> dict[str, str]:
        """Returns the hash."""
        requests, tokens = self.sums()
        found = {"at": str(self.at), "requests": str(requests), "tokens": str(tokens)}
        for half in {half for half, *_ in self.grants}:
            of_half = Minute(half, [grant for grant in self.grants if grant[0] == half]).sums()
            found[str(half)] = "{} {}".format(*of_half)
        return found

    def leaves_at(self, place: int, number: int) -> int:
        """Returns when so many requests (1) or tokens (2) have left."""
        for half in range(self.at - WINDOW, self.at + 1):
            number -= sum(grant[place] for grant in self.grants if grant[0] == half)
            if number <= 0:
                return (half + WINDOW + 1) * HALF
        raise AssertionError


@dataclass
class Used:
    """What a fleet has used. `holders` are the tasks that a delivery holds."""

    minutes: dict[str, Minute] = field(default_factory=dict)
    slots: dict[str, dict[str, int]] = field(default_factory=dict)
    budgets: dict[int, Counter[str]] = field(default_factory=dict)
    spent: Counter[str] = field(default_factory=Counter)
    holders: frozenset[str] = frozenset()

    def beyond(
        self, name: str, limits: Limits, now: int, demand: Demand, place: int, task: str
    ) -> tuple[str, int] | None:
        """Returns why a call is refused, and when to ask again."""
        tokens, nano = estimated(demand, place)
        return self._over_budget(name, limits, now, demand, nano, task) or self._over_limit(name, limits, now, tokens)

    def _over_budget(
        self, name: str, limits: Limits, now: int, demand: Demand, nano: int, task: str
    ) -> tuple[str, int] | None:
        if not nano:
            return None
        if "max" in demand and self.spent[task] + nano > demand["max"]:
            return "budget: max_cost_usd", NEVER
        day = now // DAY
        for name_of, most, whose in budgets_of(name, limits, demand):
            if self.budgets.get(day, Counter())[self._field(day, name_of)] + nano > most:
                return f"budget: usd_per_day of the {whose}", (day + 1) * DAY
        return None

    def _over_limit(self, name: str, limits: Limits, now: int, tokens: int) -> tuple[str, int] | None:
        if limits.concurrency:
            self.slots[name] = {slot: ends for slot, ends in self.slots.get(name, {}).items() if ends > now}
            if len(self.slots[name]) >= limits.concurrency:
                return "limit: concurrency", now + 1000
        if not (limits.requests_per_minute or limits.tokens_per_minute):
            return None
        minute = self._minute(name, now)
        had, held = minute.sums()
        if limits.requests_per_minute and had >= limits.requests_per_minute:
            return "limit: requests_per_minute", minute.leaves_at(1, had + 1 - limits.requests_per_minute)
        if limits.tokens_per_minute and held + tokens > limits.tokens_per_minute:
            return "limit: tokens_per_minute", minute.leaves_at(2, held + tokens - limits.tokens_per_minute)
        return None

    def _minute(self, name: str, now: int) -> Minute:
        minute = self.minutes.get(name)
        if minute is None or now // HALF - minute.at > WINDOW:
            self.minutes.pop(name, None)
            return Minute(now // HALF)
        minute.at = max(minute.at, now // HALF)
        minute.grants = [grant for grant in minute.grants if grant[0] >= minute.at - WINDOW]
        return minute

    def reserve(
        self, name: str, limits: Limits, now: int, demand: Demand, place: int, task: str, permit: str
    ) -> list[int]:
        """Reserves what a call is estimated to use; returns when, in a list that is empty where it uses nothing."""
        tokens, nano = estimated(demand, place)
        half = now // HALF
        if limits == Limits() and not nano:
            return []
        if limits.requests_per_minute or limits.tokens_per_minute:
            minute = self.minutes[name] = self._minute(name, now)
            minute.grants.append((minute.at, 1, tokens))
            half = minute.at
        self.slots.setdefault(name, {})[permit] = now + SLOT
        if nano:
            self._add(name, limits, demand, half * HALF, nano, task)
        return [half * HALF]

    def settle(self, name: str, limits: Limits, attempt: Any) -> None:
        """Settles what was reserved for an attempt, where its slot is still there."""
        at, more = attempt.reserved_at, attempt.settlement
        if self.slots.get(name, {}).pop(attempt.slot, None) is None or not more:
            return
        minute = self.minutes.get(name)
        if minute and any(grant[0] == at // HALF for grant in minute.grants):
            minute.grants.append((at // HALF, 0, more["tokens"]))
        if more["nano"]:
            self._add(name, limits, more, at, more["nano"], attempt.request)

    def renew(self, name: str, slot: str, now: int) -> None:
        """Renews a slot that is still there."""
        if slot in self.slots.get(name, {}):
            self.slots[name][slot] = now + SLOT

    def _add(self, name: str, limits: Limits, demand: Demand, at: int, nano: int, task: str) -> None:
        if "max" in demand and task in self.holders:
            self.spent[task] += nano
        for name_of, *_ in budgets_of(name, limits, demand):
            day = self.budgets.setdefault(at // DAY, Counter())
            day[self._field(at // DAY, name_of)] += nano

    def _field(self, day: int, name: str) -> str:
        known = self.budgets.get(day, Counter())
        is_own = name in known or len(known) < MOST_FIELDS or not name.startswith("tenant:")
        return name if is_own else "tenant:*"


def estimated(demand: Demand, place: int) -> tuple[int, int]:
    """Returns the tokens and the nano-USD of a provider by its place from 0."""
    return (demand["tokens"][place], demand["nano"][place]) if "tokens" in demand else (0, 0)


def budgets_of(name: str, limits: Limits, demand: Demand) -> list[list[Any]]:
    """Returns field, nano-USD and owner of each budget of a day."""
    own = [] if limits.usd_per_day is None else [[f"provider:{name}", nano_usd(limits.usd_per_day), "provider"]]
    return own + list(demand.get("budgets", []))

"""The order of a chain's groups: what the scripts need to score one completion's providers, and what attempts teach."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from config.outcomes import Outcome
from config.providers import Provider
from worker.admission.decision import Permit
from worker.admission.score import Rate, Sample, Scoring
from worker.chain.account import Account
from worker.chain.delivery import Delivery
from worker.chain.position import position
from worker.chain.route import Route
from worker.limits.demand import USUAL_OUTPUT
from worker.pricing.cost import pricing
from worker.task.journal import Entry, Line

PATIENT = 9
"""The priority of completions of which some ask the provider that was not heard of for longest."""

EXPLORED = 0.01
"""The share of them."""

FIRST = -1
"""The number of a group that only the provider is in whose retries come first."""

UNPRICED: Rate = (0.0, 0.0, 0.0, 0.0)

_NOT_ITS_FAULT = (Outcome.TOO_LARGE, Outcome.REFUSED, Outcome.INVALID, Outcome.CUT_SHORT)
"""Outcomes that are about the request, or ours."""


@dataclass(frozen=True)
class Order:
    """What one delivery's completion tells of its chain's groups."""

    account: Account

    def scoring(self, providers: Sequence[str], lines: Sequence[Line]) -> Scoring | None:
        """Returns what the scripts need to score these providers, None if none of them is in a group.

        The provider whose retries come first, by the journal's lines, is asked before the rest of its group.
        """
        chain, request = self._route.chain, self._delivery.request
        if not chain.groups or not providers:
            return None
        current = position(self._route, lines).first(self._route) if lines else self._delivery.current
        groups = [FIRST if name == current else self._numbers.get(name, 0) for name in providers]
        if not any(groups):
            return None
        return Scoring(
            groups,
            [self._rate(name) for name in providers],
            request.model,
            self.account.prompt,
            USUAL_OUTPUT,
            chain.second_usd,
            request.limit,
            explores=chain.priority == PATIENT and random.random() < EXPLORED,  # noqa: S311 - no secret
        )

    def sample(self, permit: Permit, entry: Entry, scarce_for: float = 0.0) -> Sample | None:
        """Returns what an attempt teaches, None if its provider was not chosen by a score or is not to blame.

        `scarce_for` is the seconds for which the vendor says that little remains of its rate limits.
        """
        if permit.score is None or entry.outcome in _NOT_ITS_FAULT:
            return None
        told = entry.tokens or {}
        return Sample(
            self._tier(entry.provider),
            entry.outcome == Outcome.SUCCESS,
            told.get("prompt") or self.account.prompt,
            told.get("completion", 0),
            told.get("cached", 0),
            permit.score.load,
            1000 * scarce_for,
        )

    @property
    def _delivery(self) -> Delivery:
        return self.account.delivery

    @property
    def _route(self) -> Route:
        return self._delivery.route

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: n for n, group in enumerate(self._route.chain.groups, 1) for name in group}

    @cached_property
    def _rates(self) -> dict[str, Rate]:
        return {}

    def _provider(self, name: str) -> Provider:
        return self._route.providers[name]

    def _tier(self, name: str) -> str:
        tier = self._delivery.request.model
        return tier if tier in self._provider(name).models else "default"

    def _rate(self, name: str) -> Rate:
        if name not in self._numbers:
            return UNPRICED
        if name not in self._rates:
            provider = self._provider(name)
            found = pricing(provider, provider.model(self._delivery.request.model), time.time())
            self._rates[name] = found.rates.nano(self.account.prompt) if found else UNPRICED
        return self._rates[name]

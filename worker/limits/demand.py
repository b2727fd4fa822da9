"""What a completion will use and has used, as the scripts read it: worker/lua/limits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import Literal

from config.chains import Chain
from config.limits import Tenant, nano_usd
from config.providers import Model, Provider
from worker.pricing.cost import pricing
from worker.result import Usage

USUAL_OUTPUT = 1_000
"""Tokens of an answer whose request sets no limit: an estimate for what is asked at the same time, settled by usage."""

EVERY_OTHER = "*"
"""The tenant whose budget each tenant has that has none of its own."""

Budget = tuple[str, int, Literal["chain", "tenant"]]
"""The field of a budget in Redis, nano-USD a day, and whose it is."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one attempt is expected to use."""

    tokens: int
    nano: int


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets that all attempts of a completion count against, beside those of providers.

    `most` is the nano-USD of the completion itself, None without a limit; `daily` are its chain's and its tenant's.
    """

    most: int | None
    daily: tuple[Budget, ...]

    def demand(self, estimates: Sequence[Estimate], more: Mapping[str, object] = MappingProxyType({})) -> str:
        """Returns what the scripts are to check and to reserve: an estimate for each provider, in their order.

        `more` is what else they are to know, see worker/admission/score.py.
        """
        tokens, nano = [each.tokens for each in estimates], [each.nano for each in estimates]
        return json.dumps({"tokens": tokens, "nano": nano, **self._shared(), **more})

    def settlement(self, more: Estimate) -> str:
        """Returns what an attempt used beyond its estimate, or with negative figures below it."""
        return json.dumps({"tokens": more.tokens, "nano": more.nano, **self._shared()})

    def _shared(self) -> dict[str, object]:
        return {"budgets": self.daily, **({} if self.most is None else {"max": self.most})}


def budgets(chain: Chain, tenants: Mapping[str, Tenant], tenant: str) -> Budgets:
    """Returns the budgets of a completion; those without a tenant are together one, whose name is empty."""
    own = tenants.get(tenant) or tenants.get(EVERY_OTHER)
    daily: list[Budget] = []
    if chain.usd_per_day is not None:
        daily.append((f"chain:{chain.name}", nano_usd(chain.usd_per_day), "chain"))
    if own:
        daily.append((f"tenant:{tenant}", nano_usd(own.usd_per_day), "tenant"))
    return Budgets(None if chain.max_cost_usd is None else nano_usd(chain.max_cost_usd), tuple(daily))


def estimate(provider: Provider, model: Model, prompt: int, limit: int | None, at: float) -> Estimate:
    """Returns what an attempt is expected to use.

    Args:
        provider: the one that is asked.
        model: its model.
        prompt: tokens of the prompt.
        limit: tokens of the answer that the request allows, None for any number.
        at: an epoch in seconds, for the price.
    """
    answer = min(limit or USUAL_OUTPUT, model.max_output or limit or USUAL_OUTPUT)
    found = pricing(provider, model, at)
    usd = found.rates.cost(Usage(prompt, answer)) if found else 0.0
    return Estimate(min(prompt + answer, provider.limits.tokens_per_minute or prompt + answer), ceil(usd * 1e9))

"""Settings of one chain: the order of its providers and its retries."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from config.frozen import FROM_TEXT, Frozen, Lifetime, Name, Seconds
from config.groups import Group, Listed, flat, groups
from config.limits import Usd
from config.outcomes import Failure, Outcome, Override, Rule, overridden

RETRY_PRIORITY = 0
"""Redis serves priority 0 first, so that a retry overtakes the backlog. Otherwise it would wait behind it."""

URGENT_PRIORITY = 3
"""The priority for which each worker process keeps some slots."""


class Retry(Frozen):
    """Retries are counted per provider; backoffs and `max_retry_after` are in seconds.

    The delay before retry n (from 1) is drawn at random between half and all of `initial_backoff` x `multiplier`^(n-1),
    capped at `max_backoff`. A Retry-After that is longer than `max_retry_after` goes to the next provider at once.
    """

    max_retries: Annotated[int, Field(ge=0, le=20)] = 3
    initial_backoff: Seconds = 1.0
    max_backoff: Seconds = 60.0
    multiplier: Annotated[float, Field(ge=1, le=10)] = 2.0
    max_retry_after: Annotated[float, Field(ge=0, le=3600)] = 5.0

    @model_validator(mode="after")
    def _check_order(self) -> "Retry":
        if self.initial_backoff > self.max_backoff:
            raise ValueError("initial_backoff is longer than max_backoff")
        return self


class ChainResults(Frozen):
    """`expires` is the seconds that a result of this chain is kept; None for `results.expires` of all."""

    expires: Lifetime | None = None


class Chain(Frozen):
    """One chain. `name` is its key in the table `chains`; Redis serves a lower `priority` first.

    One that is not `enabled` is unknown to producers.

    `listed` has the setting `providers`: names, and tuples of names, which are groups. Those of a group are asked in
    the order of their scores; with the `order` `scored` all are one group. `second_usd` is what a second of waiting is
    worth.

    `max_cost_usd` is the budget of one completion, all attempts together; `usd_per_day` that of all of a day in UTC.

    `outcomes` overrides rules of `config.outcomes` for this chain.
    """

    name: Name
    enabled: bool = True
    listed: Annotated[tuple[Listed, ...], Field(min_length=1, alias="providers")]
    order: Literal["listed", "scored"] = "listed"
    second_usd: Annotated[float, Field(ge=0, le=1_000)] = 0.002
    failover: Literal["at-once", "after-retries"] = "after-retries"
    when_exhausted: Literal["fail", "wait"] = "fail"
    timeout: Seconds = 600.0
    max_cost_usd: Usd | None = None
    usd_per_day: Usd | None = None
    priority: Annotated[Literal[3, 6, 9], FROM_TEXT] = 6
    retry: Retry = Retry()
    results: ChainResults = ChainResults()
    outcomes: dict[Failure, Override] = Field(default_factory=dict)

    @property
    def is_urgent(self) -> bool:
        """Returns whether slots are kept for it; see `config.bulkheads`."""
        return self.priority == URGENT_PRIORITY

    @cached_property
    def providers(self) -> tuple[str, ...]:
        """Returns the providers, in the order in which they are listed."""
        return flat(self.listed)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Returns the groups whose providers are asked in the order of their scores."""
        return (self.providers,) if self.order == "scored" else groups(self.listed)

    @property
    def scored(self) -> tuple[str, ...]:
        """Returns the providers that are in a group."""
        return flat(self.groups)

    @cached_property
    def rules(self) -> dict[Outcome, Rule]:
        """Returns this chain's rule for each outcome."""
        return overridden(self.outcomes)

    @field_validator("listed")
    @classmethod
    def _check_providers(cls, value: tuple[Listed, ...]) -> tuple[Listed, ...]:
        names = flat(value)
        if len(set(names)) < len(names):
            raise ValueError("a provider is listed twice")
        return value

    @field_validator("outcomes")
    @classmethod
    def _check_outcomes(cls, value: dict[Outcome, Override]) -> dict[Outcome, Override]:
        overridden(value)
        return value

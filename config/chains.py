"""What the operator decides about one chain: the order of its providers and its retries."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from config.frozen import FROM_TEXT, Frozen, Name, Seconds
from config.outcomes import Failure, Outcome, Override, Rule, overridden

RETRY_PRIORITY = 0
"""Redis serves priority 0 first: a retry overtakes the backlog, or its countdown would wait behind it."""


class Retry(Frozen):
    """Retries are counted per provider; backoffs and `max_wait` are in seconds.

    The delay before retry n (from 1) is `initial_backoff` x `multiplier`^(n-1), at most `max_backoff`, of which
    half to all is drawn at random. A 429 whose Retry-After is longer than `max_wait` goes to the next provider
    at once.
    """

    max_retries: Annotated[int, Field(ge=0, le=20)] = 3
    initial_backoff: Seconds = 1.0
    max_backoff: Seconds = 60.0
    multiplier: Annotated[float, Field(ge=1, le=10)] = 2.0
    max_wait: Annotated[float, Field(ge=0, le=3600)] = 5.0

    @model_validator(mode="after")
    def _check_order(self) -> "Retry":
        if self.initial_backoff > self.max_backoff:
            raise ValueError("initial_backoff is longer than max_backoff")
        return self


class Chain(Frozen):
    """One chain. `name` is its key in the table `chains`; `priority` is Redis's: a lower one is served first.

    `outcomes` holds what differs here from the rules of `config.outcomes`.
    """

    name: Name
    providers: Annotated[tuple[Name, ...], Field(min_length=1)]
    failover: Literal["at-once", "after-retries"] = "after-retries"
    when_exhausted: Literal["fail", "wait"] = "fail"
    timeout: Seconds = 600.0
    priority: Annotated[Literal[3, 6, 9], FROM_TEXT] = 6
    retry: Retry = Retry()
    outcomes: dict[Failure, Override] = Field(default_factory=dict)

    @cached_property
    def rules(self) -> dict[Outcome, Rule]:
        """Returns what follows from each outcome on this chain."""
        return overridden(self.outcomes)

    @field_validator("providers")
    @classmethod
    def _check_providers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a provider stands twice")
        return value

    @field_validator("outcomes")
    @classmethod
    def _check_outcomes(cls, value: dict[Outcome, Override]) -> dict[Outcome, Override]:
        overridden(value)
        return value

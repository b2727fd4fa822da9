"""Settings of one provider's retries: what replaces the chain's, and how many the whole fleet may make."""

from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, model_validator

from config.chains import Retry
from config.frozen import Frozen, Seconds


class ProviderRetry(Frozen):
    """What replaces fields of a chain's `Retry` for one provider; the chain's hold where one is None.

    A round of the chain waits by the chain's own backoff, as it is no provider's.
    """

    max_retries: Annotated[int, Field(ge=0, le=20)] | None = None
    initial_backoff: Seconds | None = None
    max_backoff: Seconds | None = None
    multiplier: Annotated[float, Field(ge=1, le=10)] | None = None
    max_retry_after: Annotated[float, Field(ge=0, le=3600)] | None = None

    @model_validator(mode="after")
    def _check_order(self) -> "ProviderRetry":
        if (self.initial_backoff or 0) > (self.max_backoff or float("inf")):
            raise ValueError("initial_backoff is longer than max_backoff")
        return self

    @cached_property
    def replaced(self) -> dict[str, Any]:
        """Returns the fields that replace the chain's."""
        return self.model_dump(exclude_none=True)

    def over(self, retry: Retry) -> Retry:
        """Returns a chain's policy for this provider. Where the backoffs disagree, the shorter `max_backoff` wins."""
        return retry.model_copy(update=self.replaced) if self.replaced else retry

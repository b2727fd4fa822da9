"""Settings of what may be used: limits of a provider, budgets of chains and tenants."""

from typing import Annotated

from pydantic import Field

from config.frozen import Frozen

Usd = Annotated[float, Field(gt=0, le=1_000_000)]


class Limits(Frozen):
    """What the whole fleet may use of one provider; without a value there is no limit.

    `requests_per_minute` and `tokens_per_minute` hold in every minute. Tokens are estimated when a provider is asked
    and corrected by its answer. `concurrency` is the number of calls in flight. `usd_per_day` is of a day in UTC.
    """

    requests_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1, le=10_000_000_000)] | None = None
    concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = None
    usd_per_day: Usd | None = None


class Tenant(Frozen):
    """The budget of one tenant, over all chains; a day is one in UTC."""

    usd_per_day: Usd


def nano_usd(usd: float) -> int:
    """Returns an amount as Redis has it: floats would round, one addition after the other."""
    return round(usd * 1_000_000_000)

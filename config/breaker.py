"""Settings of one provider's circuit breaker."""

from typing import Annotated, Literal

from pydantic import Field

from config.frozen import Frozen, Seconds

Detector = Literal["off", "observe", "on"]


class Adaptive(Frozen):
    """What is learned of a provider, see detectors.lua, first_tokens.lua and stalls.lua in worker/lua/admission.

    | setting | effect when `on` |
    |---|---|
    | `failures` | opens the breaker |
    | `latency` | deprioritises the provider for 15 s: it is asked last |
    | `first_tokens` | ends a call whose first token is far later than usual, if another provider admits |
    | `stalls` | opens the breaker if calls in flight are silent for far longer than usual |

    `observe` only writes an event with what the detector would have done. Stalls need `first_tokens`.
    """

    failures: Detector = "on"
    latency: Detector = "observe"
    first_tokens: Literal["off", "on"] = "on"
    stalls: Detector = "on"


class RetryBudget(Frozen):
    """How many calls to a provider may be retries, over the whole fleet, see worker/lua/admission/retry_budget.lua.

    Retries may be `share` of the calls of the last minute, and `min_per_minute` in any case. A `share` of 1 limits
    nothing.
    """

    share: Annotated[float, Field(ge=0, le=1)] = 0.2
    min_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 3


class Breaker(Frozen):
    """Thresholds are counts of calls; `cooldown_period` is the first opening's length in seconds."""

    failure_threshold: Annotated[int, Field(ge=1, le=100)] = 5
    success_threshold: Annotated[int, Field(ge=1, le=100)] = 2
    cooldown_period: Seconds = 60.0
    adaptive: Adaptive = Adaptive()
    retry_budget: RetryBudget = RetryBudget()

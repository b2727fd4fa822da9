"""What the operator decides about one provider's circuit breaker."""

from typing import Annotated, Literal

from pydantic import Field

from config.frozen import Frozen, Seconds

Detector = Literal["off", "observe", "on"]


class Adaptive(Frozen):
    """The two detectors of a change for the worse, see worker/lua/detectors.lua.

    `off`, `observe` (an event says what it would have done) or `on`: `failures` opens the breaker, `latency` demotes
    the provider to the end of its chain for 15 s.
    """

    failures: Detector = "on"
    latency: Detector = "observe"


class Breaker(Frozen):
    """Thresholds are counts of calls; `cooldown_period` is the first opening's length in seconds."""

    failure_threshold: Annotated[int, Field(ge=1, le=100)] = 5
    success_threshold: Annotated[int, Field(ge=1, le=100)] = 2
    cooldown_period: Seconds = 60.0
    adaptive: Adaptive = Adaptive()

"""How values of a breaker's hash are read."""

import math
from typing import Annotated

from pydantic import BeforeValidator

Instant = Annotated[float, BeforeValidator(lambda ms: int(ms) / 1000)]
"""An epoch in seconds, parsed from ms; 0 is none."""

Median = Annotated[float, BeforeValidator(lambda log: math.exp(int(log) / 1e6) / 1000)]
"""Seconds, parsed from millionths of the logarithm of ms."""

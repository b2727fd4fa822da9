"""How a worker process divides its slots: neither one silent provider nor a flood of patient work may take them all."""

import math
from typing import Annotated

from pydantic import Field

from config.frozen import Frozen


class Bulkheads(Frozen):
    """Parts of the slots (`--concurrency`) of one worker process.

    `provider_share` is the most that calls of one provider take; 1 is no limit. It holds where the chains ask several
    providers, and leaves at least one slot to the others. `urgent_share` is kept for completions of priority 3 alone,
    at least one slot of two or more; 0 keeps none.
    """

    provider_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    urgent_share: Annotated[float, Field(ge=0, le=0.5)] = 0.1

    def urgent(self, slots: int) -> int:
        """Returns how many of a process's slots take priority 3 alone."""
        return max(1, math.floor(self.urgent_share * slots)) if self.urgent_share and slots > 1 else 0

    def of_provider(self, slots: int) -> int:
        """Returns how many calls of one provider a process has in flight at most, those of priority 3 excepted."""
        if self.provider_share == 1:
            return slots
        common = slots - self.urgent(slots)
        return max(1, min(math.floor(self.provider_share * slots), common - 1))

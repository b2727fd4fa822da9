"""What a record says of one attempt, in plain Python."""

from dataclasses import dataclass, field

from tests.worker.admission.breaker_circuit import NEVER
from tests.worker.admission.limits_model import Demand
from worker.admission.first_tokens import Lesson
from worker.admission.score import Sample


@dataclass(frozen=True)
class Attempt:
    """What a record says of one attempt; `permit` and `slot` are empty where it held none.

    `tried` has the providers that failed the completion.
    """

    outcome: str
    generation: int
    permit: str
    request: str
    latency: int = 100
    retry_after: int = 0
    countdown: int = NEVER
    draw: int = 0
    failure: str = ""
    first_token: int = 0
    lesson: Lesson | None = None
    tried: tuple[str, ...] = ()
    slot: str = ""
    reserved_at: int = 0
    settlement: Demand = field(default_factory=dict)
    demand: Demand = field(default_factory=dict)
    sample: Sample | None = None
    key: str = ""

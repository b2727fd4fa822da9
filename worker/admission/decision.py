"""What the scripts of the breakers decide, and what they are told of an attempt."""

from dataclasses import dataclass, field
from typing import Literal

from worker.admission.first_tokens import Lesson
from worker.admission.score import Sample, Score
from worker.limits.bill import NO_BILL, Bill

NEVER = -1
LIMIT, BUDGET = "limit: ", "budget: "
"""First words of the reason why a limit or a budget refuses a provider."""
RETRY_BUDGET = "retry-budget"
"""Why a provider is skipped that would be asked again, but has no retry left in its budget."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to call one provider; its result counts only while the breaker has this `generation`.

    `half_open_id` is the id of a half-open breaker's permit, empty if the breaker was closed. `slot_id` is the id of
    what limits and budgets reserved at `reserved_ms`, empty without any. `usual` is what was learned of first tokens,
    by tier; see worker/admission/first_tokens.py. `score` is that of a provider of a group, None of another.
    """

    provider: str
    generation: int
    half_open_id: str = ""
    slot_id: str = ""
    reserved_ms: int = 0
    usual: dict[str, str] = field(default_factory=dict, compare=False)
    score: Score | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A provider that did not admit.

    `until` is the epoch in seconds at which to ask again, None where no time is known. `reason` is `open`, `half-open`,
    `rate-limited`, `authentication`, `forced-open`, `RETRY_BUDGET` or, if another provider admits, `deprioritised`; or
    it begins with `LIMIT` or `BUDGET` and names the setting. `BULKHEAD` is of this process alone, see bulkheads.py.
    """

    provider: str
    reason: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next.

    | kind | meaning |
    |---|---|
    | `next` | ask the provider of `permit` |
    | `none` | no provider admits; one may in `wait` seconds, None where no time is known |
    | `retry` | ask the same provider again, after the planned countdown |
    | `lease-lost` | stop: another delivery holds the task |

    `skipped` are the providers that did not admit. `change` is the state to which a record moved its breaker, else
    empty.
    """

    kind: Literal["next", "none", "retry", "lease-lost"]
    permit: Permit | None = None
    skipped: tuple[Skipped, ...] = ()
    wait: float | None = None
    change: str = ""

    def postponed(self, now: float) -> dict[str, float]:
        """Returns the seconds from the epoch `now` until the retry budget of each provider skipped for it has room."""
        return {each.provider: (each.until or now) - now for each in self.skipped if each.reason == RETRY_BUDGET}


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt's outcome for its breaker.

    Attributes:
        permit: the permit that it used.
        outcome: the `breaker` of the outcome's rule, see config/outcomes.py.
        latency_ms: its length.
        retry_after_ms: the provider's Retry-After, 0 for none.
        countdown_ms: the delay of a planned retry, `NEVER` for none.
        failure: class and status in a few words, empty for a success.
        first_token_ms: time to first token, 0 where it is not known.
        lesson: what its first token teaches, None for nothing.
        tried: the providers that failed this completion since its last fresh round.
        bill: what it cost.
        sample: what it teaches of scores, None for nothing.
        key: the fingerprint of a key that was refused, empty where none was.
    """

    permit: Permit
    outcome: str
    latency_ms: float
    retry_after_ms: float = 0
    countdown_ms: float = NEVER
    failure: str = ""
    first_token_ms: float = 0
    lesson: Lesson | None = None
    tried: tuple[str, ...] = ()
    bill: Bill = NO_BILL
    sample: Sample | None = None
    key: str = ""

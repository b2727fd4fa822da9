"""What is recorded of an attempt: for the breaker, for who is asked next, and for the bill."""

from config.outcomes import RULES, Outcome
from worker.admission.decision import NEVER, Attempted, Permit
from worker.admission.first_tokens import Lesson
from worker.chain.held_task import HeldTask
from worker.chain.policy import FailureStep
from worker.chain.position import position
from worker.errors import AttemptFailed
from worker.providers.credentials import fingerprint
from worker.result import Answer
from worker.task.journal import Entry

_IN_VENDORS_WORDS = (Outcome.QUOTA_EXHAUSTED, Outcome.RATE_LIMITED, Outcome.AUTHENTICATION)
"""Classes of which a status says little."""

_LONGEST_CODE = 40
"""Characters of a vendor's code: Redis keeps a breaker in its short form while no value has over 64."""


def of_answer(task: HeldTask, permit: Permit, answer: Answer, entry: Entry, lesson: Lesson | None) -> Attempted:
    """Returns what is recorded of an attempt that was answered; `entry` is its line of the journal."""
    return Attempted(
        permit,
        "success",
        entry.latency_ms or 0.0,
        retry_after_ms=1000 * answer.exhausted_for,
        first_token_ms=entry.first_token_ms or 0,
        lesson=lesson,
        bill=task.account.bill(entry),
        sample=task.order.sample(permit, entry, answer.scarce_for) if permit.score else None,
    )


def of_failure(
    task: HeldTask, permit: Permit, failed: AttemptFailed, entry: Entry, step: FailureStep, lesson: Lesson | None
) -> Attempted:
    """Returns what is recorded of an attempt that failed; `entry` is the last line of the journal."""
    outcome = RULES[Outcome(entry.outcome)].breaker if failed.counts else "ignored"
    provider, namespace = task.delivery.route.providers[permit.provider], task.store.keys.namespace
    return Attempted(
        permit,
        outcome,
        entry.latency_ms or 0.0,
        retry_after_ms=1000 * step.limited,
        countdown_ms=NEVER if step.countdown is None else 1000 * step.countdown,
        failure=in_words(entry, failed),
        tried=tuple(position(task.delivery.route, task.lines).tries),
        lesson=lesson,
        bill=task.account.bill(entry),
        sample=task.order.sample(permit, entry) if permit.score else None,
        key=fingerprint(provider, namespace) if outcome == "authentication" else "",
    )


def in_words(entry: Entry, failure: AttemptFailed) -> str:
    """Returns what a breaker keeps of a failure: its class, its status or reason, and the vendor's word for a limit."""
    words = [entry.outcome, str(failure.status or failure.reason)]
    code = failure.codes[0] if failure.codes else ""
    if entry.outcome in _IN_VENDORS_WORDS and code not in words and len(code) <= _LONGEST_CODE:
        words.append(code)
    return " ".join(filter(None, words))

"""Classifies a failed attempt, by the tables of config/failures.toml."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from config.failures import ROWS
from config.outcomes import Outcome
from worker.errors import AttemptFailed

_TOLD = ("status", "stream_error")
"""The reasons whose text is the provider's; that of others is ours, or the operating system's."""

_ROWS = tuple(chain.from_iterable(ROWS.values()))


@dataclass(frozen=True, slots=True)
class Class:
    """The class of a failure.

    `any_host` is for a request that is too large: it exceeds a limit of the host, not the window of the model.
    """

    outcome: Outcome
    any_host: bool = False


def classify(failed: AttemptFailed, own: Mapping[str, Outcome]) -> Class:
    """Returns the class of a failed attempt.

    The order of evidence; the first row that matches decides:

    1. `own`: the provider's rows of the configuration. Digits alone are a code or a status, never a part of a message.
    2. Messages that are more specific than the code beside them.
    3. Codes and types that are more specific than the status.
    4. Messages of failures whose code says little, at any status.
    5. The status.
    6. Types that are more general than the status; they decide in a stream.
    7. The reason, where there was no response.
    """
    codes = frozenset(map(str.lower, failed.codes))
    text = failed.text.lower() if failed.reason in _TOLD else ""
    for evidence, outcome in own.items():
        word = evidence.lower()
        if word in codes or (word == str(failed.status) if word.isdecimal() else word in text):
            return Class(outcome)
    for row in _ROWS:
        if row.matches(failed.reason, failed.status, codes, text):
            return Class(row.outcome, row.any_host)
    return Class(Outcome.TRANSIENT)

"""A problem: what is wrong, since when, and its cure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Severity = Literal["critical", "warning"]

_NOUNS = {
    "alerts-not-sent": "receiver of alerts",
    "chain-down": "chain",
    "clock-skewed": "worker",
    "worker-not-consuming": "worker",
    "worker-gone": "worker",
}
"""What the subject of a kind is, where its name alone would not say so."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong. It holds no key, no prompt and no answer.

    Attributes:
        kind: a stable word, one of the table in problems.py.
        subject: the provider, chain, worker or receiver of alerts; empty for Redis and the fleet.
        what: without the subject, such as `quota spent (429 insufficient_quota)`.
        since: an epoch in seconds by the clock of Redis, None where it is not known.
        cure: what to do, with a command where there is one.
        severity: `critical` where completions fail or wait now, `warning` where they go on.
    """

    kind: str
    subject: str
    what: str
    since: float | None
    cure: str
    severity: Severity = "warning"

    def line(self, now: float) -> str:
        """Returns it as one line; `now` is the epoch in seconds."""
        noun = " ".join(filter(None, (_NOUNS.get(self.kind), self.subject)))
        since = f" since {instant(self.since, now)}" if self.since else ""
        return f"{noun}: {self.what}{since}; {self.cure}" if noun else f"{self.what}{since}; {self.cure}"


def instant(at: float, now: float) -> str:
    """Returns an epoch in seconds as `12:06 UTC`, with the date if it is of another day than `now`."""
    then, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC).date()
    return then.strftime("%H:%M UTC" if then.date() == today else "%Y-%m-%d %H:%M UTC")

"""Problems that no event reports, as alerts: sent when one stands, and when it has ended.

Each look compares what is wrong with what the receiver knows. A problem counts once two looks in a row found it, and
has ended once two in a row did not, so that one that comes and goes alerts nobody. What Redis itself has: see blind.py.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from config.alerts import Receiver
from worker.alerts.message import Message
from worker.diagnosis.problems import BLIND, Problem

LOOK_EVERY = 10.0
"""Seconds between two looks."""

PREFIX = "problem:"
"""Begins the names of the hash's fields; a value is JSON: the message's id, and one of `seen`, `sent` and `gone`."""


@dataclass(frozen=True, slots=True)
class Change:
    """What follows from a look for one problem.

    Attributes:
        name: the field of the receiver's hash.
        value: its new value, empty to remove it.
        message: what to send before that, None for nothing.
    """

    name: str
    value: str
    message: Message | None = None


def changes(
    fleet: str, receiver: Receiver, found: Sequence[Problem], fields: Mapping[str, str], now: float
) -> Iterator[Change]:
    """Yields what changes for a receiver.

    Args:
        fleet: its name.
        receiver: who gets problems.
        found: all that is wrong now.
        fields: those of the receiver's hash.
        now: epoch in seconds.
    """
    if any(problem.kind in BLIND for problem in found):
        return
    standing = {_name(problem): problem for problem in found if problem.kind in receiver.problems}
    known = {name: json.loads(value) for name, value in fields.items() if name.startswith(PREFIX)}
    for name, problem in standing.items():
        id_, state = known.get(name, ("", ""))
        if not id_:
            yield Change(name, json.dumps([message_id(fleet, problem, now), "seen"]))
        elif state == "seen":
            yield Change(name, json.dumps([id_, "sent"]), began(fleet, id_, problem, now))
        elif state == "gone":
            yield Change(name, json.dumps([id_, "sent"]))
    for name, (id_, state) in known.items():
        if name not in standing:
            yield _missing(fleet, receiver, name, id_, state, now)


def _missing(fleet: str, receiver: Receiver, name: str, id_: str, state: str, now: float) -> Change:
    if state == "sent":
        return Change(name, json.dumps([id_, "gone"]))
    if state == "gone" and receiver.recovery:
        _, kind, subject = name.split(":", 2)
        return Change(name, "", ended(fleet, id_, kind, subject, now))
    return Change(name, "")


def began(fleet: str, id_: str, problem: Problem, now: float) -> Message:
    """Returns the message of a problem; `now` is an epoch in seconds, for one that does not know its begin."""
    at, details = problem.since or now, {"severity": problem.severity}
    return Message(id_, fleet, problem.kind, at, "alert", problem.subject, problem.what, problem.cure, details=details)


def ended(fleet: str, id_: str, kind: str, subject: str, now: float) -> Message:
    """Returns the message of the end of a problem, whose message had this id."""
    return Message(f"{id_}-ended", fleet, kind, now, "recovered", subject, "ended", "", (id_,))


def message_id(fleet: str, problem: Problem, now: float) -> str:
    """Returns a message's id; it is a header, and a worker's name may have any letters."""
    return f"{fleet}-{problem.kind}-{quote(problem.subject, safe='@,:')}-{now:.0f}"


def _name(problem: Problem) -> str:
    return f"{PREFIX}{problem.kind}:{problem.subject}"

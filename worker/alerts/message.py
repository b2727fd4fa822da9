"""What a receiver gets: JSON of an alert, or for Slack a line of text. It has no prompt, no answer and no key."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from config.alerts import ENDS
from worker.alerts.state import cause, subject
from worker.telemetry.cures import cure
from worker.telemetry.events import Event

_HEAD = ("type", "provider", "worker", "at_ms", "cause")


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        id: the same whenever it is sent again.
        type: of the event, or the kind of the problem.
        at: epoch in seconds.
        status: `recovered` if it ends something.
        subject: the provider, the worker, or what else it is about; empty for the fleet.
        cause: why, in a word or a few.
        cure: what to do, empty where nothing is to be done.
        ends: ids of the messages whose alerts it ends.
        details: further fields of the event, each as text.
    """

    id: str
    fleet: str
    type: str
    at: float
    status: Literal["alert", "recovered"]
    subject: str
    cause: str
    cure: str
    ends: Sequence[str] = ()
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Returns one line for people."""
        why = f" ({self.cause})" if self.cause else ""
        return f"{self.subject or self.fleet}: {self.type}{why}" + (f"; {self.cure}" if self.cure else "")

    def standard(self) -> bytes:
        """Returns the body for a receiver of the format `standard`."""
        data: dict[str, Any] = {
            "fleet": self.fleet,
            "status": self.status,
            "subject": self.subject,
            "cause": self.cause,
            "cure": self.cure,
            "text": self.text,
            "ends": list(self.ends),
            "details": dict(self.details),
        }
        at = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return _json({"type": self.type, "timestamp": at, "data": data})

    def slack(self) -> bytes:
        """Returns the body for a receiver of the format `slack`, in Slack's escapes."""
        sign = ":white_check_mark:" if self.status == "recovered" else ":rotating_light:"
        escaped = self.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return _json({"text": f"{sign} {escaped}"})


def of_event(fleet: str, entry: str, event: Event, ends: Sequence[str] = ()) -> Message:
    """Returns the message of an event, whose id is that of its entry in the stream."""
    is_end = event["type"] in ENDS
    return Message(
        id=f"{fleet}-{entry}",
        fleet=fleet,
        type=event["type"],
        at=int(event["at_ms"]) / 1000,
        status="recovered" if is_end else "alert",
        subject=subject(event),
        cause=cause(event),
        cure="" if is_end else cure(event),
        ends=ends,
        details={name: value for name, value in event.items() if name not in _HEAD},
    )


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()

"""What to do about an event, in a line. docs/how-to/respond-to-an-alert.md has the longer form.

An event knows only its own fields. A problem (worker/diagnosis) knows what is so now, and its cure names more; where
both say the same, the sentence is here.
"""

import re
from collections.abc import Mapping

ADD_CREDIT = "add credit, then: fallback breaker reset {provider}"
END_OVERRIDE = "when done: fallback breaker reset {provider}"

_TRIED = "nothing: it is tried again by itself; if it stays open: fallback status"
_KEY = (
    "fallback status names the workers whose key was refused: set a good one there and restart them; a probe unlocks it"
)
CURES: Mapping[tuple[str, str], str] = {
    ("circuit-breaker-open", "quota-exhausted"): ADD_CREDIT,
    ("circuit-breaker-open", ""): _TRIED,
    ("circuit-breaker-would-open", ""): 'if it was real trouble: breaker.adaptive.failures = "on"',
    ("circuit-breaker-forced-open", ""): END_OVERRIDE,
    ("circuit-breaker-forced-closed", ""): END_OVERRIDE,
    ("breaker-settings-differ", ""): "give all processes one configuration, unless this is a rollout",
    ("provider-unhealthy", "authentication"): _KEY,
    ("provider-unhealthy", "probes"): "is it up, and can the worker of the probes reach it? See: fallback check",
    ("provider-unhealthy", ""): _TRIED,
    ("provider-deprioritised", ""): "nothing; if it repeats, put another provider first",
    ("provider-would-be-deprioritised", ""): 'if it was real slowness: breaker.adaptive.latency = "on"',
    ("slow-began", ""): "see the vendor's status page; if it lasts, put another provider first",
    ("provider-auth-locked", ""): _KEY,
    ("request-failure", ""): "see: fallback explain {request}",
    ("duplicate-answer", ""): "give workers the CPU that they need; see: fallback explain {request}",
    ("task-id-reused", ""): "give each request a task_id of its own",
    ("message-quarantined", ""): "correct the producer that sent it",
    ("worker-clock-skewed", ""): "set the clock of {worker}'s machine; beyond 2 s it takes nothing new",
}
"""The cure by the event's type and its cause; an empty cause stands for all that have no row of their own."""


def cure(event: Mapping[str, str]) -> str:
    """Returns what to do about an event, empty where nothing is to be done."""
    kind = event["type"]
    found = CURES.get((kind, event.get("cause", ""))) or CURES.get((kind, ""), "")
    return re.sub(r"{(\w+)}", lambda name: event.get(name[1], ""), found)

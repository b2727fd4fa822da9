"""What to do about an event, in a line. docs/how-to/respond-to-an-alert.md has the longer form."""

from worker.telemetry.events import Event

_TRIES = "nothing: the fleet tries {provider} again by itself; if it stays open, see `fallback status`"
_CURES = {
    ("circuit-breaker-open", "quota-exhausted"): "add credit, then: fallback breaker reset {provider}",
    ("circuit-breaker-open", ""): _TRIES,
    ("circuit-breaker-would-open", ""): 'if it was real trouble: breaker.adaptive.failures = "on"',
    ("circuit-breaker-forced-open", ""): "when done: fallback breaker reset {provider}",
    ("circuit-breaker-forced-closed", ""): "when done: fallback breaker reset {provider}",
    ("breaker-settings-differ", ""): "give all processes one configuration, unless this is a rollout",
    ("provider-unhealthy", "authentication"): "set a good key where the workers run, and restart them",
    ("provider-unhealthy", "probes"): "is it up, and can the worker of the probes reach it? See: fallback check",
    ("provider-unhealthy", ""): _TRIES,
    ("provider-deprioritised", ""): "nothing; if it repeats, put another provider first",
    ("provider-would-be-deprioritised", ""): 'if it was real slowness: breaker.adaptive.latency = "on"',
    ("slow-began", ""): "see the vendor's status page; if it lasts, put another provider first",
    ("provider-auth-locked", ""): "set a good key where the workers run, and restart them",
    ("request-failure", ""): "see: fallback explain {request}",
    ("duplicate-answer", ""): "give workers the CPU that they need",
    ("task-id-reused", ""): "give each request a task_id of its own",
    ("message-quarantined", ""): "correct the producer that sent it",
}


def cure(event: Event) -> str:
    """Returns what to do about an event, empty where nothing is to be done."""
    kind = event["type"]
    found = _CURES.get((kind, event.get("cause", ""))) or _CURES.get((kind, ""), "")
    return found.replace("{provider}", event["provider"]).replace("{request}", event.get("request", ""))

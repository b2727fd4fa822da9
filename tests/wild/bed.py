"""The fleet that the corpus is sent through: for each entry on each wire a provider and a chain of their own."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery.result import AsyncResult

from config.outcomes import RULES, Outcome
from config.providers import Dialect
from tasks.local.fleet import Fleet
from tests.end_to_end.local_cluster import started_setup
from tests.wild.corpus import Answered, Failure
from tests.wild.replaying import Host, answering, replaying
from worker.admission.breaker import Snapshot, snapshot
from worker.errors import ContentRefused, TaskFailed

TOOLS = [{"type": "function", "function": {"name": "look_up"}}]
SMALLER, SAME, LARGER = 50_000, 100_000, 200_000
"""Windows: of the host that is asked next, of the failing one, of the last one."""

SETTINGS = """\
[chains.{name}]
providers = ["{name}", "smaller-{dialect}-{stream}", "larger-{dialect}-{stream}"]
retry = {{ max_retries = 1, initial_backoff = 0.05, max_retry_after = 0.0 }}
[providers.{name}]
dialect = "{dialect}"
stream = {stream}
base_url = "{url}/{name}"
models.default = {{ name = "m", context = {context} }}
"""
ANSWERING = """\
[providers.{size}-{dialect}-{stream}]
dialect = "{dialect}"
stream = {stream}
base_url = "{url}"
models.default = {{ name = "{size}", context = {context} }}
"""


@dataclass(frozen=True)
class Sent:
    """One entry on one wire; its `name` is that of its provider and its chain."""

    name: str
    entry: Failure | Answered
    dialect: Dialect
    stream: bool

    @property
    def id(self) -> str:
        return f"{self.entry.id}, {self.dialect}, {'streamed' if self.stream else 'plain'}"

    @property
    def request(self) -> dict[str, Any]:
        """The request that it answers."""
        return {"messages": self.entry.messages, "tools": TOOLS}

    @property
    def calls(self) -> int:
        """How often the failing provider is asked: any wait is too long for these chains."""
        rule = RULES[self.entry.outcome]
        return 2 if rule.same_provider in ("backoff", "once") and self.entry.retry_after is None else 1


@dataclass(frozen=True)
class Came:
    """What came of it: the caller's result or failure, the failing provider's breaker, and its calls."""

    outcome: dict[str, Any] | TaskFailed
    breaker: Snapshot
    calls: int


def all_sent(entries: Sequence[Failure | Answered]) -> list[Sent]:
    """Returns every entry on every wire that fits."""
    wires = [(entry, dialect, stream) for entry in entries for dialect, stream in entry.wires]
    return [Sent(f"e{number}", *wire) for number, wire in enumerate(wires)]


@contextmanager
def results(sent: Sequence[Sent], folder: Path, environment: dict[str, str]) -> Iterator[dict[str, Came]]:
    """Gives what came of each, by its name."""
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(folder / "run", environment))
        failing = stack.enter_context(replaying({each.name: each.entry for each in sent}))
        other = stack.enter_context(answering())
        file = folder / "fallback.toml"
        file.write_text(_settings(sent, failing, other), "utf-8")
        setup = stack.enter_context(started_setup(fleet, "wild", {"FALLBACK_CONFIG": str(file)}))
        pending: list[AsyncResult] = [setup.complete(each.request, each.name) for each in sent]
        outcomes = [result.get(timeout=60, propagate=False) for result in pending]
        breakers = snapshot(setup.store, [each.name for each in sent])
        yield {
            each.name: Came(outcome, breaker, failing.calls[each.name])
            for each, outcome, breaker in zip(sent, outcomes, breakers, strict=True)
        }


def _settings(sent: Sequence[Sent], failing: Host, other: Host) -> str:
    written = []
    for dialect in ("openai", "anthropic", "llama_cpp"):
        for stream in ("true", "false"):
            for size, context in (("smaller", SMALLER), ("larger", LARGER)):
                values = {"size": size, "context": context, "dialect": dialect, "stream": stream, "url": other.url}
                written.append(ANSWERING.format(**values))
    for each in sent:
        stream = json.dumps(each.stream)
        values = {"name": each.name, "context": SAME, "dialect": each.dialect, "stream": stream, "url": failing.url}
        written.append(SETTINGS.format(**values))
    return "".join(written)


def expected_provider(each: Sent) -> str | None:
    """Returns who answers, None where the request was refused."""
    if each.entry.outcome == Outcome.SUCCESS:
        return each.name
    if each.entry.outcome == Outcome.REFUSED:
        return None
    only_larger = each.entry.outcome == Outcome.TOO_LARGE and not each.entry.any_host
    return f"{'larger' if only_larger else 'smaller'}-{each.dialect}-{json.dumps(each.stream)}"


def problems(each: Sent, came: Came) -> list[str]:
    """Returns what is not as it should be."""
    entry, found = each.entry, []
    provider = expected_provider(each)
    if isinstance(came.outcome, TaskFailed):
        told = str(came.outcome)
        if provider or not isinstance(came.outcome, ContentRefused) or f"{each.name}: {entry.outcome}" not in told:
            found.append(f"the caller got {type(came.outcome).__name__}: {told}")
    else:
        report = came.outcome["fallback"]
        first = report["attempts"][0]
        if first["outcome"] != entry.outcome:
            found.append(f"{first['outcome']} instead of {entry.outcome}: {first['reason']}")
        if report["provider"] != provider:
            found.append(f"answered by {report['provider']} instead of {provider}")
        if entry.outcome == Outcome.RATE_LIMITED and entry.retry_after is not None:
            wait = came.breaker.limited_until - first["at"] - first["latency_ms"] / 1000
            if abs(wait - min(entry.retry_after, 3600)) > 1.5:
                found.append(f"left alone for {wait:.1f} s instead of {entry.retry_after}")
    if came.calls != each.calls:
        found.append(f"{came.calls} calls instead of {each.calls}")
    counted = each.calls if RULES[entry.outcome].breaker == "failure" else 0
    if came.breaker.failed != counted:
        found.append(f"{came.breaker.failed} failures in the breaker instead of {counted}")
    return found


def table(sent: Sequence[Sent], came: Mapping[str, Came]) -> str:
    """Returns how many entries of each vendor there are, how often they were sent, and how often all was right."""
    times = Counter(each.entry.vendor for each in sent)
    right = Counter(each.entry.vendor for each in sent if not problems(each, came[each.name]))
    entries = Counter(vendor for vendor, _ in {(each.entry.vendor, each.entry.name) for each in sent})
    lines = [f"{'vendor':18} entries  sent  right"]
    lines += [f"{name:18} {entries[name]:7} {times[name]:5} {right[name]:6}" for name in sorted(entries)]
    return "\n".join([*lines, f"{'all':18} {entries.total():7} {times.total():5} {right.total():6}"])

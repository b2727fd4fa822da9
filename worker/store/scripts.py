"""Assembles the scripts of worker/lua, each from its own file and those that it needs before it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files
from types import MappingProxyType

from config.alerts import Receiver
from config.limits import Limits, nano_usd
from config.providers import Provider

_FILES = {
    "admission": (
        *("acquire", "admissions", "breaker", "control", "detectors", "extend", "first_admitting", "first_tokens"),
        *("held_task", "learn_score", "probed", "record", "retry_budget", "score", "silences"),
        *("silent_calls", "slowness", "snapshot", "stalls"),
    ),
    "alerts": ("delivered", "receive"),
    "events": ("alert", "event"),
    "health": ("registry",),
    "limits": ("ledger", "limits", "minute", "renew_slots", "usage"),
    "parking": ("park", "release"),
    "scheduling": ("schedule", "release_due"),
    "telemetry": ("count", "report_worker"),
    "task": ("backlog", "begin", "claim", "identity", "outcome", "dead_letter", "refuse", "renew", "replay", "settle"),
}
_FOLDERS = {name: folder for folder, names in _FILES.items() for name in names}
_BREAKER_SCRIPTS = (
    "acquire",
    "admissions",
    "record",
    "extend",
    "control",
    "probed",
    "snapshot",
    "release",
    "renew_slots",
    "usage",
)
_CLOCKED_SCRIPTS = (
    "begin",
    "claim",
    "count",
    "refuse",
    "dead_letter",
    "replay",
    "settle",
    "renew",
    "registry",
    "park",
    "schedule",
    "release_due",
    "report_worker",
    "backlog",
)


NO_ALERTS: Mapping[str, Receiver] = MappingProxyType({})
"""Without a receiver no script knows of alerts."""

_LONGEST = 64
"""Bytes of a field's value up to which Redis keeps a small hash in its short form."""


def lua(name: str) -> str:
    """Returns the text of a file of worker/lua or of its folders, by its name."""
    return files("worker").joinpath("lua", _FOLDERS.get(name, ""), f"{name}.lua").read_text(encoding="utf-8")


def _settings_table(providers: Mapping[str, Provider]) -> str:
    """Returns the Lua table SETTINGS. It creates a row at first use, which costs less than all rows in each call."""
    rows = (f'if provider == "{name}" then row = {{ {_settings(each)} }} end' for name, each in providers.items())
    return f"""local SETTINGS = setmetatable({{}}, {{ __index = function(all, provider)
  local row
  {" ".join(sorted(rows))}
  all[provider] = row
  return row
end }})
"""


def _settings(provider: Provider) -> str:
    breaker = provider.breaker
    fields: dict[str, int | float | str] = {
        "failures": breaker.failure_threshold,
        "successes": breaker.success_threshold,
        "cooldown": round(breaker.cooldown_period * 1000),
        "permit_ms": round(provider.permit_lifetime * 1000),
        "detect_failures": breaker.adaptive.failures,
        "detect_latency": breaker.adaptive.latency,
        "learn_first_tokens": breaker.adaptive.first_tokens,
        "detect_stalls": breaker.adaptive.stalls,
        "retry_share": breaker.retry_budget.share,
        "min_retries": breaker.retry_budget.min_per_minute,
    }
    text = _short("/".join(map(str, fields.values())))
    rows = [f"{name} = {json.dumps(value)}" for name, value in (fields | {"text": text}).items()]
    tiers, limits = ", ".join(map(json.dumps, provider.models)), _limits(provider.limits)
    tables = [f"tiers = {{ {tiers} }}", *([f"limits = {{ {limits} }}"] if limits else [])]
    return ", ".join([*rows, *tables])


def _short(text: str) -> str:
    """Returns a text, or of one that is too long for a field of a small hash its begin and a digest."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[:47]}~{sha1(text.encode(), usedforsecurity=False).hexdigest()[:16]}"


def _limits(limits: Limits) -> str:
    values = {
        "requests": limits.requests_per_minute,
        "tokens": limits.tokens_per_minute,
        "concurrency": limits.concurrency,
        "nano": None if limits.usd_per_day is None else nano_usd(limits.usd_per_day),
    }
    return ", ".join(f"{name} = {value}" for name, value in values.items() if value is not None)


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and its SHA-1."""

    text: str
    sha: str


def clocked(alerts: Mapping[str, Receiver], part: Callable[[str], str] = lua) -> str:
    """Returns what stands before each script: the clock, and how an event is written, to receivers of alerts too."""
    kinds = (f'["{name}"] = " {" ".join(receiver.kept)} "' for name, receiver in sorted(alerts.items()))
    wanted = f"local ALERTS = {{ {', '.join(kinds)} }}\n{part('alert')}" if alerts else ""
    return part("clock") + part("event") + wanted


def scripts(
    providers: Mapping[str, Provider], alerts: Mapping[str, Receiver] = NO_ALERTS, part: Callable[[str], str] = lua
) -> dict[str, Script]:
    """Returns the scripts by name. The breakers' settings are part of the text.

    Args:
        providers: those whose breakers the scripts serve.
        alerts: the receivers of alerts.
        part: returns the text of a file of worker/lua by its name; tests may pass another.
    """
    clock = clocked(alerts, part)
    before = ("minute", "limits", "retry_budget", "first_tokens", "breaker")
    shared = "".join((_settings_table(providers), clock, *map(part, before)))
    texts = {name: shared + part(name) for name in _BREAKER_SCRIPTS}
    texts |= {name: shared + part("silent_calls") + part(name) for name in ("silences", "stalls")}
    texts["snapshot"] = shared + part("score") + part("snapshot")
    granting = shared + "".join(map(part, ("score", "first_admitting", "held_task")))
    texts["acquire"] = granting + part("acquire")
    learning = ("detectors", "slowness", "ledger", "learn_score", "record")
    texts["record"] = granting + "".join(map(part, learning))
    texts |= {name: clock + part("identity") + part("outcome") + part(name) for name in _CLOCKED_SCRIPTS}
    texts |= {name: clock + part(name) for name in _FILES["alerts"] if alerts}
    return {name: Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest()) for name, text in texts.items()}

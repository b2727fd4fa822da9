"""Facts of a fleet in which all is well, to be changed in one place by each case."""

from typing import Any

from config.chains import Chain
from config.limits import Limits
from config.settings import Settings, load
from worker.admission.breaker import Snapshot
from worker.diagnosis.facts import Facts
from worker.health.probing import Probing
from worker.store.memory import Memory
from worker.task.backlog import Backlog, Waiting
from worker.telemetry.workers import Worker

NOW = 1_795_694_820.0
"""12:07 UTC."""

SINCE = NOW - 60
SETTINGS = load(
    {
        "ANTHROPIC_API_KEY": "sk-a",
        "OPENAI_API_KEY": "sk-o",
        "LLAMA_CPP_BASE_URL": "http://127.0.0.1:1",
    }
)
KEYS = {"claude": "aaaaaa", "openai": "bbbbbb", "llama_cpp": ""}


def worker(name: str = "one@host", **fields: Any) -> Worker:
    """Returns a worker that is well."""
    usual: dict[str, Any] = {
        "version": "1.0.0",
        "started_at": NOW - 3600,
        "seen_at": NOW - 1,
        "consuming": True,
        "reason": "",
        "clock_offset": 0.0,
        "slots": 100,
        "used": 0,
        "last_task_at": 0.0,
        "keys": KEYS,
        "missing": {},
    }
    return Worker(name, **(usual | fields))


def snapshot(provider: str, **fields: Any) -> Snapshot:
    """Returns a breaker that is closed; times are epochs in seconds."""
    instants = {"open_until", "limited_until", "deprioritised_until", "override_until", "slow_since", "error_at"}
    instants |= {"unhealthy", "override_at"}
    stored = {name: value * 1000 if name in instants else value for name, value in fields.items()}
    return Snapshot(provider=provider, now=NOW * 1000, status="healthy", **stored)


def facts(**changes: Any) -> Facts:
    """Returns what is known of a fleet in which all is well, with changes."""
    breakers = {name: snapshot(name) for name in SETTINGS.providers} | changes.pop("breakers", {})
    admissions = dict.fromkeys(SETTINGS.providers, 0.0) | changes.pop("admissions", {})
    usual: dict[str, Any] = {
        "settings": SETTINGS,
        "now": NOW,
        "memory": Memory(10_000_000, 100_000_000),
        "refusal": None,
        "workers": (worker(),),
        "backlog": backlog(),
        "keys": KEYS,
        "probing": Probing(NOW - 10),
    }
    return Facts(breakers=breakers, admissions=admissions, **(usual | changes))


def backlog(**changes: Any) -> Backlog:
    """Returns a backlog in which nothing waits."""
    usual: dict[str, Any] = {"queued": {}, "parked": {}, "failed": 0, "failed_before": 0, "failed_since": 0.0}
    return Backlog(NOW, **(usual | changes))


def limited(**limits: Any) -> Settings:
    """Returns settings in which `openai` has limits."""
    provider = SETTINGS.providers["openai"].model_copy(update={"limits": Limits(**limits)})
    return SETTINGS.model_copy(update={"providers": SETTINGS.providers | {"openai": provider}})


def budgeted(**chain: Any) -> Settings:
    """Returns settings in which the chain `default` has other fields."""
    changed: Chain = SETTINGS.chains["default"].model_copy(update=chain)
    return SETTINGS.model_copy(update={"chains": SETTINGS.chains | {"default": changed}})


def waiting(count: int, seconds: float) -> Waiting:
    """Returns completions of which the oldest waits for so long."""
    return Waiting(count, NOW - seconds)

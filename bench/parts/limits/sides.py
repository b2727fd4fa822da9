"""The fleets that bench/limits.py compares: each has a Valkey and a worker of its own, and a configuration."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from celery import Celery
from celery.result import AsyncResult
from redis import Redis

from bench.kit.load import Load, load
from bench.kit.load import Side as Loaded
from tasks.local import commands, valkey
from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.readiness import writes
from tasks.local.valkey import Valkey

IN_FLIGHT = 50
_REQUEST = {
    "messages": [{"role": "user", "content": "Tell the story of the night shift that no outage could end."}],
    "max_tokens": 400,
    "metadata": {"tenant": "night-shift"},
}
_PROVIDER = """
[providers.{name}]
dialect = "openai"
base_url = "{url}/v1"
api_key_env = "BENCH_KEY"
[providers.{name}.models]
default = {{ name = "a-model", input_usd = 1.0, output_usd = 4.0, context = 100000 }}
"""
_CHAIN = """
[chains.default]
providers = ["first", "second"]
"""
_LIMITS = """
[providers.{name}.limits]
requests_per_minute = 1000000
tokens_per_minute = 1000000000
concurrency = 1000
usd_per_day = 100000.0
"""
_STEERED = 'order = "scored"\nmax_cost_usd = 1.0\nusd_per_day = 100000.0\n'
_TENANTS = '[tenants]\n"*" = { usd_per_day = 100000.0 }\n'
_NAMES = ("first", "second")


def configuration(url: str, *, steered: bool) -> str:
    """Returns the configuration of a chain of two providers; steered, with each limit, each budget and the order."""
    providers = "".join(_PROVIDER.format(name=name, url=url) for name in _NAMES)
    if not steered:
        return providers + _CHAIN
    return providers + "".join(_LIMITS.format(name=name) for name in _NAMES) + _CHAIN + _STEERED + _TENANTS


@dataclass(frozen=True)
class Stretch:
    """What a completion came to: its load, and what Redis got: commands, with those of scripts, and reads."""

    load: Load
    commands: float
    reads: float


@dataclass(frozen=True)
class Side:
    """A fleet under one configuration."""

    name: str
    server: Valkey
    _redis: Redis
    _app: Celery
    _worker: int

    @classmethod
    def start(cls, fleet: Fleet, name: str, checkout: Path, text: str) -> "Side":
        """Starts Valkey and a worker of a checkout's code; they end with the fleet.

        Raises:
            FleetError: one of them did not come up.
        """
        server = valkey.start(fleet, name=f"valkey-{name}")
        file = fleet.folder / f"{name}.toml"
        file.write_text(text, encoding="utf-8")
        environment = {
            **server.environment,
            "FALLBACK_CONFIG": str(file),
            "BENCH_KEY": "bench",
            "PYTHONPATH": str(checkout),
        }
        command = commands.worker(name, queues=["completions"])
        worker = fleet.start(f"worker-{name}", command, ready=writes(" ready."), environment=environment, cwd=checkout)
        return cls(
            name, server, Redis.from_url(server.url), Celery(name, broker=server.url, backend=server.url), worker.pid
        )

    def measure(self, warm_up: float, seconds: float) -> Stretch:
        """Returns what completions cost with `IN_FLIGHT` of them outstanding all the time.

        Raises:
            BenchError: one of them failed, or none was answered.
        """
        asked, ask = 0, _asking(self._app)

        def counted() -> AsyncResult:
            nonlocal asked
            asked += 1
            return ask()

        side = Loaded(self.name, self._app, counted, (self._worker,))
        before = self._redis.info("stats")
        found = load(side, self.server.process.pid, in_flight=IN_FLIGHT, warm_up=warm_up, seconds=seconds)
        after = self._redis.info("stats")
        names = ("total_commands_processed", "total_reads_processed")
        return Stretch(found, *((after[name] - before[name]) / asked for name in names))

    def spent(self) -> dict[str, int]:
        """Returns what was counted on each budget, in nano-USD."""
        keys = self._redis.scan_iter(match="*:budgets:*")
        return {name.decode(): int(nano) for key in keys for name, nano in self._redis.hgetall(key).items()}


def _asking(app: Celery) -> Callable[[], AsyncResult]:
    task = app.signature("fallback.complete", args=[_REQUEST], queue="completions", priority=6)
    return task.apply_async


def here() -> Path:
    """Returns this checkout."""
    return Path(ROOT)

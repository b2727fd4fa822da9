"""The breakers of one chain on a real server whose time a test sets."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from redis import Redis

from config.breaker import Adaptive, Breaker
from config.limits import Limits
from config.providers import Model, Provider
from worker.admission import breaker
from worker.admission.breaker import NEVER, Attempted, Decision, Permit
from worker.store.scripts import lua
from worker.store.store import Store

T0 = 1_700_000_000_000
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
CHAIN = ("alpha", "beta", "gamma")
PERMIT_MS = 35 * SECOND
NO_DETECTORS = Breaker(adaptive=Adaptive(failures="off", latency="off"))

_IN_MS = ("latency", "retry_after", "countdown", "first_token")

BLANK: dict[str, Any] = {
    "state": "closed", "generation": 0, "open_until": 0, "limited_until": 0, "deprioritised_until": 0, "override": "",
    "override_until": 0, "override_by": "", "auth_locked": 0, "refused": "", "seen": 0, "opens": 0,
    "half_open_successes": 0, "quota": 0, "consecutive_failures": 0, "first": "", "several": 0, "count": 0, "failed": 0,
    "index": 0, "consecutive_successes": 0, "error": "", "error_at": 0, "failure_sum": 0, "failure_base": 0,
    "sum_first": "", "sum_several": 0, "latency_sum": 0, "latency_mean": 0, "latency_variance": 0, "latency_count": 0,
    "failed_probes": 0, "unhealthy": 0, "settings": "", "others": "", "usual_mean": 0, "usual_age": 0,
    "usual_at": 0, "slow_since": 0, "budget_calls": 0, "budget_retries": 0, "budget_at": 0, "usual:default": "",
    "censored_at": 0, "score:default": "", "speed:default": "", "load": "", "hot_until": 0,
}  # fmt: skip
"""The fields of a breaker that was never asked: what is not stored has these values."""

_CLOCK = """local function clock() return tonumber(redis.call('GET', '{fallback}:2:clock')) end
"""

_read_once = cache(lua)
"""A store reads 45 files, a third of the time of a short test."""


def clocked(part: Callable[[str], str] = _read_once) -> Callable[[str], str]:
    """Returns where scripts come from, with a clock that `{fallback}:2:clock` sets."""
    return lambda name: _CLOCK if name == "clock" else part(name)


def provider(name: str, **fields: Any) -> Provider:
    """Returns a provider that can be asked, with the default breaker."""
    models = {"default": Model(name=f"{name}-1")}
    return Provider(**{"name": name, "dialect": "openai", "base_url": "http://x", "models": models} | fields)


def url(server: Redis) -> str:
    """Returns the URL of the server that a client speaks to."""
    at = server.connection_pool.connection_kwargs
    return f"redis://{at['host']}:{at['port']}/0"


@dataclass
class ClockedBreaker:
    """Scripts on a real server, with the time in a key. Methods without a provider are about `alpha`.

    `own` are the settings of single providers, in place of those of all; `limits` those of each.
    """

    server: Redis
    settings: Breaker = field(default_factory=Breaker)
    own: dict[str, Breaker] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    store: Store = field(init=False)
    permit_ids: int = 0

    def __post_init__(self) -> None:
        providers = {
            name: provider(name, breaker=self.own.get(name, self.settings), limits=self.limits) for name in CHAIN
        }
        self.store = Store(url(self.server), "fallback", providers, part=clocked())
        self.at(T0)

    @property
    def now(self) -> int:
        return int(self.server.get("{fallback}:2:clock"))

    def at(self, ms: int) -> None:
        """Sets the time."""
        self.server.set("{fallback}:2:clock", ms)

    def after(self, ms: int) -> None:
        """Moves the time on."""
        self.at(self.now + ms)

    def acquire(self, *providers: str, task: str = "task", lease_id: str = "") -> Decision:
        asked = providers or CHAIN[:1]
        self.permit_ids += 1
        permit_id = f"permit-{self.permit_ids}"
        return breaker.parse_acquire_reply(
            self.store.run(breaker.acquire(self.store, task, lease_id, permit_id, asked))[0], permit_id, asked
        )

    def permit(self, name: str = "alpha") -> Permit:
        """Returns a permit from a breaker that is expected to give one."""
        granted = self.acquire(name).permit
        assert granted
        return granted

    def reply(self, attempted: Attempted, *remaining: str, task: str = "task", lease_id: str = "") -> list[Any]:
        """Records an attempt and returns the script's own reply."""
        self.permit_ids += 1
        command = breaker.record(self.store, task, lease_id, f"permit-{self.permit_ids}", attempted, remaining)
        reply: list[Any] = self.store.run(command)[0]
        return reply

    def record(self, attempted: Attempted, *remaining: str, task: str = "task", lease_id: str = "") -> Decision:
        reply = self.reply(attempted, *remaining, task=task, lease_id=lease_id)
        return breaker.parse_record_reply(reply, f"permit-{self.permit_ids}", attempted.permit.provider, remaining)

    def record_all(self, attempts: Iterable[Attempted], *, task: str = "") -> None:
        """Records attempts in one round trip, each of a request of its own unless a task is named."""
        with self.server.pipeline(transaction=False) as pipeline:
            for i, one in enumerate(attempts):
                pipeline.execute_command(*breaker.record(self.store, task or f"task {i}", "", "", one, ()))
            pipeline.execute()

    def call(self, outcome: str, *, task: str = "task", name: str = "alpha", retry_after: float = 0) -> Decision:
        """Takes a permit and records what came of it."""
        said = "" if outcome == "success" else f"said {outcome}"
        return self.record(Attempted(self.permit(name), outcome, 100, retry_after, NEVER, said), task=task)

    def fail(self, times: int = 1, *, tasks: tuple[str, ...] = ("one", "two"), name: str = "alpha") -> None:
        """Records failures of closed breakers, of these requests in turn."""
        for i in range(times):
            self.call("failure", task=tasks[i % len(tasks)], name=name)

    def trip(self, name: str = "alpha") -> None:
        """Opens a closed breaker by failures in a row."""
        self.fail(self.settings.failure_threshold, name=name)
        assert self.fields(name)["state"] == "open"

    def reopen(self) -> None:
        """Lets the cooldown pass and fails while half-open."""
        self.at(int(self.fields()["open_until"]))
        self.call("failure")

    def control(self, action: Any, seconds: float = 0.0) -> None:
        breaker.control(self.store, "alpha", action, by="test", seconds=seconds)

    def probe(self, *, answered: bool = True, authenticated: bool = True) -> None:
        self.store.run(breaker.probed(self.store, "alpha", answered=answered, authenticated=authenticated))

    def key(self, name: str = "alpha") -> str:
        return self.store.keys.breaker(name)

    def fields(self, name: str = "alpha") -> dict[str, Any]:
        """Returns the breaker's fields, with numbers as numbers; empty where there is none."""
        stored = self.server.hgetall(self.key(name))
        return stored and {k: type(blank)(stored.get(k, blank)) for k, blank in BLANK.items()}

    def permits(self) -> dict[str, float]:
        """Returns the half-open permits and their deadlines."""
        return dict(self.server.zrange(self.key() + ":permits", 0, -1, withscores=True))

    def events(self) -> list[dict[str, str]]:
        """Returns the events until now."""
        return [fields for _, fields in self.server.xrange(self.store.keys.events)]

    def changes(self) -> list[str]:
        """Returns the types of the events until now, without those of single requests and of health."""
        others = ("request-failure", "provider-unhealthy", "provider-recovered")
        return [event["type"] for event in self.events() if event["type"] not in others]


def attempted(permit: Permit, outcome: str, **fields: Any) -> Attempted:
    """Returns an attempt that took 100 ms and failed with a few words, unless it succeeded."""
    failure = "" if outcome == "success" else f"said {outcome}"
    given = {f"{name}_ms" if name in _IN_MS else name: value for name, value in fields.items()}
    return replace(Attempted(permit, outcome, 100, failure=failure), **given)

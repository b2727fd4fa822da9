"""The breakers that bench/breaker.py compares, each used as its own documentation says, with its state in Redis.

Every side makes the same calls: along a chain of providers, the first that is admitted is asked, and where it is down
the next. Nobody waits for anything but Redis: a provider answers, or is down, at once.
"""

from asyncio import Runner
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from interlock import CircuitBreaker as InterlockBreaker
from interlock import CircuitOpenError, Config
from interlock.integrations.redis import RedisStorage
from purgatory import AsyncCircuitBreakerFactory, AsyncRedisUnitOfWork
from purgatory.domain.model import OpenedState
from pybreaker import STATE_CLOSED, CircuitBreaker, CircuitBreakerError, CircuitRedisStorage
from redis import Redis

from config.breaker import Breaker
from config.providers import Model, Provider
from worker.admission import breaker
from worker.admission.breaker import Attempted, Decision, Permit
from worker.store.store import Store

OPEN = ("open1", "open2")
CLOSED = ("closed1", "closed2", "closed3")
LONG = 3600
"""Seconds that what was opened stays open: the whole run."""

WINDOW = 100

Names = Sequence[str]
Call = Callable[[Names, Names], str]
Operation = Callable[[], Any]


class Down(Exception):
    """The provider that was asked is down."""


@dataclass(frozen=True)
class Side:
    """One library at one network.

    `call(chain, down)` returns who answered, or ''; `ping` is one through the same client. With a `runner` both are
    awaited in it. `keys` match what holds the state of the first closed provider in Redis, `steps` are parts of a
    call, `settle` undoes a failure where the state is this process's.
    """

    name: str
    call: Callable[[Names, Names], str | Awaitable[str]]
    ping: Operation
    runner: Runner | None = None
    keys: str = ""
    steps: dict[str, Operation] = field(default_factory=dict)
    settle: Operation | None = None


def sides(url: str, stack: ExitStack) -> Iterator[Side]:
    """Gives all of them, with two providers open and full windows; their connections end with the stack."""
    for side in (_ours, _pybreaker, _purgatory, _interlock):  # the last asks in the background from its start on
        yield side(url, stack)


def _ask(provider: str, down: Names) -> str:
    if provider in down:
        raise Down(provider)
    return provider


def provider(name: str, **fields: Any) -> Provider:
    """Returns a provider with the default breaker, save that it opens for the whole run."""
    fields |= {"breaker": Breaker(cooldown_period=LONG), "allow_http": True}
    return Provider(name=name, dialect="openai", models={"default": Model(name="bench")}, **fields)


@dataclass
class _Ours:
    """The part of `worker.chain.walk` that speaks to the breaker; no task, hence no lease of one."""

    store: Store
    permits: int = 0

    def acquire(self, chain: Names) -> Decision:
        permit_id = self._permit_id()
        reply = self.store.run(breaker.acquire(self.store, "bench", "", permit_id, chain))[0]
        return breaker.parse_acquire_reply(reply, permit_id, chain)

    def record(self, attempted: Attempted, remaining: Names, task: str = "bench") -> Decision:
        permit_id = self._permit_id()
        reply = self.store.run(breaker.record(self.store, task, "", permit_id, attempted, remaining))[0]
        return breaker.parse_record_reply(reply, permit_id, attempted.permit.provider, remaining)

    def call(self, chain: Names, down: Names) -> str:
        decision = self.acquire(chain)
        while permit := decision.permit:
            try:
                answer = _ask(permit.provider, down)
            except Down:
                decision = self.record(failed(permit), chain[chain.index(permit.provider) + 1 :])
            else:
                self.record(succeeded(permit), [])
                return answer
        return ""

    def _permit_id(self) -> str:
        self.permits += 1
        return f"bench:{self.permits}"


def succeeded(permit: Permit) -> Attempted:
    """Returns a success after 850 ms."""
    return Attempted(permit=permit, outcome="success", latency_ms=850.0)


def failed(permit: Permit) -> Attempted:
    """Returns a failure after 120 ms, without a retry on the same provider."""
    return Attempted(permit=permit, outcome="failure", latency_ms=120.0, failure="transient 500")


def _ours(url: str, stack: ExitStack) -> Side:
    store = Store(url, "bench", {name: provider(name) for name in OPEN + CLOSED})
    stack.callback(store.close)
    us = _Ours(store)
    for name in OPEN:
        for task in range(5):
            if permit := us.acquire([name]).permit:
                us.record(failed(permit), [], task=str(task))
    _fill(us.call)
    asked = us.acquire(CLOSED).permit
    assert asked
    steps = {
        "acquire, chain of three, first closed": lambda: us.acquire(CLOSED),
        "acquire, two open": lambda: us.acquire((*OPEN, CLOSED[0])),
        "record a success, full window": lambda: us.record(succeeded(asked), []),
        "failover decision": lambda: us.record(failed(asked), CLOSED[1:]),
    }
    return Side("ours", us.call, store.redis.ping, keys=f"{store.keys.breaker(CLOSED[0])}*", steps=steps)


def _pybreaker(url: str, stack: ExitStack) -> Side:
    redis = stack.enter_context(Redis.from_url(url))
    breakers = {
        name: CircuitBreaker(
            fail_max=5, reset_timeout=LONG, state_storage=CircuitRedisStorage(STATE_CLOSED, redis, namespace=name)
        )
        for name in OPEN + CLOSED
    }

    def call(chain: Names, down: Names) -> str:
        for name in chain:
            with suppress(Down, CircuitBreakerError):
                return str(breakers[name].call(_ask, name, down))
        return ""

    for name in OPEN:
        breakers[name].open()
    _fill(call)
    return Side("pybreaker", call, redis.ping, keys=f"{CLOSED[0]}:pybreaker:*")


def _purgatory(url: str, stack: ExitStack) -> Side:
    unit, runner = AsyncRedisUnitOfWork(url), stack.enter_context(Runner())
    factory = AsyncCircuitBreakerFactory(default_threshold=5, default_ttl=LONG, uow=unit)

    async def call(chain: Names, down: Names) -> str:
        for name in chain:
            with suppress(Down, OpenedState):
                async with await factory.get_breaker(name):
                    return _ask(name, down)
        return ""

    runner.run(factory.initialize())
    stack.callback(lambda: runner.run(unit.contexts.redis.aclose()))
    for name in (*OPEN * 5, *CLOSED):  # a failure writes the counter that each call reads
        runner.run(call([name], [name]))
    _fill(lambda chain, down: runner.run(call(chain, down)))
    return Side("purgatory", call, unit.contexts.redis.ping, runner, keys=f"cbr::{CLOSED[0]}*")


def _interlock(url: str, stack: ExitStack) -> Side:
    redis = stack.enter_context(Redis.from_url(url))
    config, storage = Config(wait_duration_in_open=LONG), RedisStorage(redis, state_ttl=LONG)
    breakers = {name: InterlockBreaker(name=name, config=config, storage=storage) for name in OPEN + CLOSED}
    for each in breakers.values():
        stack.callback(each.close)

    def call(chain: Names, down: Names) -> str:
        for name in chain:
            with suppress(Down, CircuitOpenError):
                return str(breakers[name].call(_ask, name, down))
        return ""

    def settle() -> None:  # a third of failures stays below the half that opens it
        for _ in range(2):
            call(CLOSED[:1], [])

    for name in OPEN * 10:
        call([name], [name])
    _fill(call)
    return Side("interlock-cb", call, redis.ping, settle=settle)


def _fill(call: Call) -> None:
    for name in CLOSED * WINDOW:
        assert call([name], []) == name

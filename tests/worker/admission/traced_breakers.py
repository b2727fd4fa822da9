"""Scripts that write down each of their calls, in the order in which the server made them, and a replay of these."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from redis import Redis

from config.breaker import Adaptive, Breaker
from config.limits import Limits
from tests.worker.admission.breaker_attempt import Attempt
from tests.worker.admission.breaker_circuit import Rules
from tests.worker.admission.clocked_breaker import CHAIN, provider
from tests.worker.admission.silent_calls import FleetModel
from worker.admission.first_tokens import Lesson
from worker.admission.score import Sample
from worker.store.scripts import lua
from worker.store.store import Store

LOG = "trace"
PERMIT_MS = 0.3
SETTINGS = Breaker(cooldown_period=0.05, adaptive=Adaptive(failures="on", latency="on"))
LIMITS = {
    "alpha": Limits(concurrency=5, tokens_per_minute=400_000, usd_per_day=5e-3),
    "beta": Limits(requests_per_minute=2_000),
}
RULES = Rules(SETTINGS, round(PERMIT_MS * 1000), LIMITS)
TRACED = ("acquire", "record", "extend", "control", "probed", "stalls")
_SLICE = 5_000

_CLOCK = """
local real_clock, read_at = clock, 0
clock = function() read_at = real_clock() return read_at end
"""
_TRACE = """
local function script()
%s
end
local reply = script()
redis.call('RPUSH', '%s', cjson.encode({ '%s', read_at, KEYS, ARGV, reply or false }))
return reply
"""


def store_on(url: str) -> Store:
    """Returns a store whose scripts write down their calls; permits and cooldowns are short, by the server's clock."""
    times = {"connect_timeout": PERMIT_MS / 2, "first_token_timeout": PERMIT_MS / 2}
    limited = {n: provider(n, breaker=SETTINGS, limits=RULES.of(n), **times) for n in CHAIN}
    return Store(url, "fallback", limited, part=_traced)


def _traced(name: str) -> str:
    text = lua(name)
    if name == "clock":
        return text + _CLOCK
    return _TRACE % (text, LOG, name) if name in TRACED else text


def calls(server: Redis) -> Iterator[list[Any]]:
    """Yields what was written down: script, time, keys, arguments, reply."""
    for start in range(0, server.llen(LOG), _SLICE):
        yield from map(json.loads, server.lrange(LOG, start, start + _SLICE - 1))


def replay(server: Redis, model: FleetModel) -> Counter[str]:
    """Demands of the model every reply that was written down; returns how many there were, by script."""
    made: Counter[str] = Counter()
    for name, at, keys, args, reply in calls(server):
        model.time = at or model.time
        expected = _SCRIPTS[name](model, keys, args)
        if isinstance(expected, list):
            reply, expected = json.dumps(reply).replace("{}", "[]"), json.dumps(expected)  # to cjson both are a table
        assert (reply or None) == (expected or None), f"call {made.total()}: {name} {args} gave {reply}, not {expected}"
        made[name] += 1
    return made


def _acquire(model: FleetModel, keys: list[str], args: list[str]) -> Any:
    return model.acquire(args[3:], args[1], RULES, json.loads(args[2] or "{}"), keys[0].rpartition(":")[2])


def _record(model: FleetModel, _: list[str], args: list[str]) -> Any:
    request, _, permit, outcome, generation, held, latency, retry_after, countdown, draw, failure, first, *rest = args
    tried, provider, slot, reserved_at, settlement, _, demand, sample, *chain = rest
    token, *learned = first.split()
    lesson = Lesson(learned[0], int(learned[1]), int(learned[2])) if learned else None
    numbers = {"latency": latency, "retry_after": retry_after, "countdown": countdown, "draw": draw}
    attempt = Attempt(
        outcome, int(generation), held, request, failure=failure, first_token=int(token), lesson=lesson,
        tried=tuple(tried.split()), slot=slot, reserved_at=int(reserved_at),
        settlement=json.loads(settlement or "{}"), demand=json.loads(demand or "{}"), sample=_sample(sample),
        **{name: int(value) for name, value in numbers.items()},
    )  # fmt: skip
    return model.record(provider, attempt, chain, permit, RULES)


def _sample(text: str) -> Sample | None:
    if not text:
        return None
    tier, answered, prompt, output, cached, load, scarce = text.split()
    sizes = (int(prompt), int(output), int(cached))
    return Sample(tier, answered == "1", *sizes, load=int(load) / 1000, scarce_ms=int(scarce))


def _extend(model: FleetModel, keys: list[str], args: list[str]) -> Any:
    return model.extend(keys[0].rpartition(":")[2], args[0], int(args[1]))


def _control(model: FleetModel, _: list[str], args: list[str]) -> Any:
    return model.control(args[0], args[1], int(args[2]), args[3], RULES)


def _probed(model: FleetModel, _: list[str], args: list[str]) -> Any:
    return model.probed(args[0], int(args[1]), int(args[2]), args[3], RULES)


def _stalls(model: FleetModel, _: list[str], args: list[str]) -> Any:
    calls = [
        (int(began), int(of), request) for began, of, request in zip(*(args[3 + i :: 3] for i in range(3)), strict=True)
    ]
    return model.stalls(args[0], int(args[1]), int(args[2]), calls, RULES)


_SCRIPTS: dict[str, Callable[[FleetModel, list[str], list[str]], Any]] = {
    "acquire": _acquire, "record": _record, "extend": _extend, "control": _control, "probed": _probed,
    "stalls": _stalls,
}  # fmt: skip

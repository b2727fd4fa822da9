"""A process that does with breakers what workers do, and worse, until it is killed."""

import random
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from uuid import uuid4

from tests.worker.admission.clocked_breaker import CHAIN
from tests.worker.admission.traced_breakers import store_on
from worker.admission import breaker
from worker.admission.breaker import NEVER, Attempted, Permit
from worker.admission.first_tokens import Lesson
from worker.admission.score import Sample, Scoring
from worker.admission.stalls import CallInFlight, Stalls
from worker.errors import RedisUnavailable
from worker.limits.bill import Bill
from worker.limits.demand import Budgets, Estimate
from worker.store.store import Store

LEASE = "lease"
USUAL = Estimate(tokens=100, nano=1_000)
BUDGETS = Budgets(None, (("chain:one", 5_000_000, "chain"), ("tenant:a", 4_000_000, "tenant")))
RATES = [(3000.0, 300.0, 15_000.0, 0.0), (100.5, 100.5, 400.25, 0.0)]
OUTCOMES = ["success"] * 60 + ["failure"] * 25 + ["ignored", "rate-limited"] * 5 + ["quota", "authentication"]


def run(url: str) -> None:
    """Asks, settles, settles late, twice or never, until it is killed."""
    store, held, task = store_on(url), deque[Permit](maxlen=20), uuid4().hex
    store.run(("HSET", store.keys.task(task), "holder", LEASE))
    while True:
        with suppress(RedisUnavailable):
            _step(store, held, task)


def _step(store: Store, held: deque[Permit], task: str) -> None:
    permit = _acquire(store, task)
    if permit:
        held.append(permit)
        if random.random() < 0.3:
            breaker.extend(store, permit, 0.05)
    if held and random.random() < 0.9:
        settled = held[-1] if random.random() < 0.8 else random.choice(held)
        _record(store, settled, task)
        if random.random() < 0.95:
            held.remove(settled)
    if random.random() < 0.03:
        _report(store, random.choice(CHAIN), held)
    if random.random() < 0.03:
        name = random.choice(CHAIN)
        store.run(breaker.probed(store, name, answered=random.random() < 0.8, authenticated=True))
    if not permit or random.random() < 0.01:  # an exhausted quota would hold for longer than the test
        breaker.control(store, random.choice(CHAIN), random.choice(["open", "closed", "reset"]), by="x", seconds=0.05)


def _report(store: Store, name: str, held: Iterable[Permit]) -> None:
    """Reports calls as silent that began some seconds ago, and now and then a token."""
    stalls, now = Stalls(), time.time()
    if random.random() < 0.05:
        stalls.spoke(name, now - 10 * random.random())
    for permit in held:
        if permit.provider == name:
            at = now - 3 - 2 * random.random()
            stalls.add(CallInFlight(name, uuid4().hex, permit.generation, at, limit=0, longest=30))
    stalls.report(store)


def _acquire(store: Store, task: str) -> Permit | None:
    chain, permit_id = random.sample(CHAIN, random.randint(1, 3)), uuid4().hex
    reply = store.run(breaker.acquire(store, task, LEASE, permit_id, chain, _demand(len(chain))))[0]
    return breaker.parse_acquire_reply(reply, permit_id, chain).permit


def _record(store: Store, permit: Permit, task: str) -> None:
    outcome, silent = random.choice(OUTCOMES), random.random() < 0.1
    attempted = Attempted(
        permit,
        outcome,
        latency_ms=random.lognormvariate(6, 1),
        retry_after_ms=random.choice([0, 0, 5, 50]) if outcome in ("rate-limited", "failure") else 0,
        countdown_ms=random.choice([NEVER, 0, 20]),
        failure="" if outcome == "success" else outcome,
        first_token_ms=0 if silent else random.lognormvariate(5, 0.3) * random.choice([1, 1, 1, 4]),
        tried=tuple(random.sample(CHAIN, random.randint(0, 2))),
        lesson=Lesson("default", random.randrange(5000), random.choice([100, 2000]) if silent else 0),
        bill=Bill(BUDGETS.settlement(Estimate(random.randint(-USUAL.tokens, 50), random.randint(-USUAL.nano, 50)))),
        sample=_sample(permit, outcome),
    )
    chain = random.sample(CHAIN, random.randint(0, 2))
    store.run(breaker.record(store, task, LEASE, uuid4().hex, attempted, chain, _demand(len(chain))))


def _sample(permit: Permit, outcome: str) -> Sample | None:
    if not permit.score:
        return None
    sizes = (random.randrange(5000), random.randrange(1000), random.randrange(100))
    scarce_ms = random.choice([0, 0, 0, 20])
    return Sample("default", outcome == "success", *sizes, load=permit.score.load, scarce_ms=scarce_ms)


def _demand(number: int) -> str:
    """Returns what so many providers are to be asked for; of every other chain they are a group."""
    if random.random() < 0.5:
        return BUDGETS.demand([USUAL] * number)
    explores = random.random() < 0.1
    scoring = Scoring([1] * number, random.choices(RATES, k=number), "default", 900, 300, 0.002, explores=explores)
    return BUDGETS.demand([USUAL] * number, scoring.demand())

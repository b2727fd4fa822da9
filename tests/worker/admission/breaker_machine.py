"""A state machine that drives the scripts on a real server, and the model beside them.

After every step each reply, event, field, permit, ring and lifetime is the model's, and the invariants hold.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Literal

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant
from redis import Redis

from config.breaker import Adaptive, Breaker, RetryBudget
from tests.worker.admission.breaker_attempt import Attempt
from tests.worker.admission.breaker_circuit import Rules
from tests.worker.admission.breaker_invariants import Invariants, check_acquired
from tests.worker.admission.clocked_breaker import CHAIN, PERMIT_MS, T0, attempted, clocked, provider
from tests.worker.admission.silent_calls import FleetModel
from tests.worker.admission.stored_breakers import stored
from worker.admission import breaker
from worker.admission.breaker import Permit
from worker.admission.score import parse_score
from worker.limits.bill import NO_BILL, Bill
from worker.store.connection import Command
from worker.store.scripts import lua
from worker.store.store import Store

DEPLOYMENTS = {
    "usual": Breaker(adaptive=Adaptive(failures="on", latency="on")),
    "observing": Breaker(
        failure_threshold=7,
        success_threshold=1,
        cooldown_period=400.0,
        adaptive=Adaptive(failures="observe", stalls="observe"),
        retry_budget=RetryBudget(share=0.5, min_per_minute=5),
    ),
    "plain": Breaker(
        failure_threshold=3,
        cooldown_period=900.0,
        adaptive=Adaptive(failures="off", latency="off", first_tokens="off"),
        retry_budget=RetryBudget(share=0.0, min_per_minute=1),
    ),
}
"""Settings that meet on the same breakers, as during a rollout."""

RULES = {name: Rules(settings, PERMIT_MS) for name, settings in DEPLOYMENTS.items()}
TASKS = ("one", "two", "three")
RETRIED = "retried"
"""A task whose calls are retries, where it has tried the provider."""

SETTINGS = settings(
    stateful_step_count=100,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate],  # what fails has a hundred steps; making it shorter takes minutes
    suppress_health_check=list(HealthCheck),
)

Asked = tuple[Command, Any]
"""A command and the reply that the model gives to it."""


class Machine(RuleBasedStateMachine):
    """What the rules are made of; `bites` counts how often each of them did what it is there for.

    Subclasses have `server`, whose answers are decoded as latin-1, and a store for each deployment: see `machine_on`.
    """

    server: ClassVar[Redis]
    stores: ClassVar[dict[str, Store]]
    bites: ClassVar[Counter[str]]
    deployed: ClassVar[Mapping[str, Rules]] = RULES

    def __init__(self) -> None:
        super().__init__()
        self.server.flushdb()
        self.model = FleetModel(T0)
        self.watched = Invariants()
        self.last_event = "-"
        self.held: list[Permit] = []
        self.settled: list[Permit] = []
        self.permit_ids = 0
        for task in (*TASKS, RETRIED):
            self.server.hset(self.stores["usual"].keys.task(task), "holder", "holder")
        self.at(T0)

    def at(self, time: int) -> None:
        """Sets the time, of the server and of the model."""
        self.model.time = time
        self.server.set("{fallback}:2:clock", time)

    def bit(self, rule: str, so: object) -> None:
        self.bites[rule] += bool(so)

    def send(self, deployment: str, *asked: Asked) -> list[Any]:
        """Sends commands in one piece, demands the replies that the model gave, and returns them."""
        replies = self.stores[deployment].run(*(command for command, _ in asked))
        for reply, (command, expected) in zip(replies, asked, strict=True):
            assert reply == expected, f"{command} gave {reply}, not the model's {expected}"
        return replies

    def acquiring(
        self,
        deployment: str,
        chain: Sequence[str],
        *,
        holds: bool = True,
        task: str = TASKS[0],
        demand: str = "",
    ) -> Asked:
        """Asks a chain for a permit, and keeps it."""
        self.permit_ids += 1
        permit, lease_id = f"permit-{self.permit_ids}", "holder" if holds else "another"
        given = json.loads(demand or "{}")
        reply = self.model.acquire(chain, permit, self.deployed[deployment], given, task, held=holds)
        self._keep(reply, chain, permit)
        return breaker.acquire(self.stores[deployment], task, lease_id, permit, chain, demand), reply

    def recording(
        self,
        deployment: str,
        permit: Permit,
        *remaining: str,
        task: str = TASKS[0],
        holds: bool = True,
        bill: Bill = NO_BILL,
        demand: str = "",
        **said: Any,
    ) -> Asked:
        """Records an attempt, in ms and words as `Attempted`, and keeps the permit that follows."""
        self.permit_ids += 1
        following, lease_id = f"permit-{self.permit_ids}", "holder" if holds else "another"
        said = {"latency": 100, "failure": "" if said["outcome"] == "success" else f"said {said['outcome']}"} | said
        command = breaker.record(
            self.stores[deployment],
            task,
            lease_id,
            following,
            attempted(permit, bill=bill, **said),
            remaining,
            demand,
        )
        draw = command[3 + int(command[2]) + 9]
        attempt = Attempt(
            generation=permit.generation,
            permit=permit.half_open_id,
            request=task,
            draw=int(draw),
            slot=permit.slot_id,
            reserved_at=permit.reserved_ms,
            settlement=json.loads(bill.settlement or "{}"),
            demand=json.loads(demand or "{}"),
            **said,
        )
        rules = self.deployed[deployment]
        reply = self.model.record(permit.provider, attempt, remaining, following, rules, held=holds)
        self._keep(reply[2], remaining, following)
        return command, reply

    def _keep(self, reply: Sequence[Any], chain: Sequence[str], permit: str) -> None:
        if reply[0] == "next":
            _, place, generation, half_open, _, _, _, _, *reserved = reply
            ms, score = [*reserved, 0, None][:2]
            granted = Permit(chain[place - 1], generation, permit if half_open else "")
            granted = replace(granted, score=parse_score(score)) if score else granted
            self.held.append(replace(granted, slot_id=permit, reserved_ms=ms) if ms else granted)

    def control(self, deployment: str, name: str, action: Literal["open", "closed", "reset"], ms: int) -> None:
        """Forces a breaker for so long, or resets it."""
        before = self.refusals()
        self.model.control(name, action, ms, "operator", self.deployed[deployment])
        breaker.control(self.stores[deployment], name, action, by="operator", seconds=ms / 1000)
        self.bit(f"operator: {action}", self.refusals() != before)

    def refusals(self) -> dict[str, Any]:
        """Returns why each breaker would not admit now."""
        return {name: self.model.read(name).refusal() for name in self.model.circuits}

    def acquire(self, deployment: str, chain: Sequence[str], *, holds: bool = True, task: str = TASKS[0]) -> list[Any]:
        """Asks a chain for a permit; returns the reply."""
        before, now = stored(self.server, CHAIN), self.model.time
        (reply,) = self.send(deployment, self.acquiring(deployment, chain, holds=holds, task=task))
        if reply[0] != "lease-lost":
            check_acquired(reply, chain, before, now, self.model.tried.get(task, ()))
        self.bit("acquire over a sub-chain, some skipped", reply[0] != "lease-lost" and reply[6])
        self.bit("acquire without the task's lease", reply[0] == "lease-lost")
        self.bit("acquire of a half-open permit", reply[0] == "next" and reply[3])
        self.bit("acquire, nobody admits", reply[0] == "none")
        return list(reply)

    @invariant()
    def everything_is_the_model_s(self) -> None:
        entries = self.server.xrange(
            self.stores["usual"].keys.events, self.last_event if self.last_event == "-" else f"({self.last_event}"
        )
        self.last_event = entries[-1][0] if entries else self.last_event
        events, self.model.events = self.model.events, []
        assert [fields for _, fields in entries] == events
        found = stored(self.server, CHAIN)
        assert found.keys() == self.model.circuits.keys()
        for name, circuit in self.model.circuits.items():
            one = found[name]
            assert one.fields == circuit.fields()
            assert (one.permits, one.window, one.lasting) == (circuit.permits, circuit.window(), not circuit.expires)
        self.statuses_are_the_model_s()
        self.watched.check(found, events, self.model.time)
        self.count(events)

    def statuses_are_the_model_s(self) -> None:
        names = list(self.model.circuits)
        for one in breaker.snapshot(self.stores["usual"], names):
            assert (one.status, one.cause) == self.model.read(one.provider).status
            self.bit(f"status: {one.status}, {one.cause}", so=True)

    def count(self, events: Sequence[dict[str, str]]) -> None:
        """Counts the events."""
        for event in events:
            self.bit(f"event: {event['type']}", so=True)
            if event["type"] == "circuit-breaker-open":
                self.bit(f"opened: {event['cause']}", so=True)


@contextmanager
def machine_on(kind: type[Machine], place: str, part: Callable[[str], str] = lua) -> Iterator[type[Machine]]:
    """Gives the machine for a server at this URL; `part` is where the scripts' texts come from."""

    def store(rules: Rules) -> Store:
        providers = {n: provider(n, breaker=rules.breaker, limits=rules.of(n)) for n in CHAIN}
        return Store(place, "fallback", providers, part=clocked(part))

    with ExitStack() as stack:
        server = stack.enter_context(Redis.from_url(place, decode_responses=True, encoding="latin-1"))
        stores = {name: store(rules) for name, rules in kind.deployed.items()}
        for each in stores.values():
            stack.enter_context(closing(each))
        yield type(kind.__name__, (kind,), {"server": server, "stores": stores, "bites": Counter()})

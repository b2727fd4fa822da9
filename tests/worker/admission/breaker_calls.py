"""The rules of the state machine about calls: asked for, settled, settled late or twice, never, in bursts."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.worker.admission.breaker_circuit import NEVER
from tests.worker.admission.breaker_circuits import HOUR, MINUTE
from tests.worker.admission.breaker_machine import RETRIED, TASKS, Machine
from tests.worker.admission.clocked_breaker import CHAIN, PERMIT_MS
from worker.admission import breaker
from worker.admission.breaker import Permit
from worker.admission.first_tokens import Lesson

deployments = st.sampled_from(["usual"] * 5 + ["observing"] * 5 + ["plain"] * 2)
providers = st.sampled_from(CHAIN[:1] * 3 + CHAIN[1:])
chains = st.lists(st.sampled_from(CHAIN), unique=True, min_size=1)
tasks = st.sampled_from(TASKS)
mostly = st.sampled_from([True] * 5 + [False])
numbers = st.sampled_from([0] * 5 + [1, 2, 5])
others = ["rate-limited", "rate-limited", "quota"]
calls = st.fixed_dictionaries(
    {
        "number": numbers,
        "outcome": st.sampled_from([*["success", "failure"] * 6, *["ignored", "authentication"] * 3, *others]),
        "task": tasks,
        "holds": mostly,
        "retry_after": st.sampled_from([0] * 6 + [1, 1500, 30_000, 2 * HOUR]),
        "countdown": st.sampled_from([NEVER, NEVER, 0, 1500, 30_000, 2 * MINUTE]),
        "first_token": st.sampled_from([0, 200, 300, 900]),
        "lesson": st.sampled_from([None, Lesson("default", 0), Lesson("default", 20, 5000), Lesson("default", 9000)]),
        "latency": st.sampled_from([0, 1, 100, 70_000, 2**24 - 1, 2**24, 10**9]),
        "remaining": st.lists(st.sampled_from(CHAIN), unique=True, max_size=2),
        "tried": st.sampled_from([(), (), CHAIN[:1], CHAIN[1:], CHAIN]),
        "key": st.sampled_from(["", "aaaaaa", "bbbbbb"]),
    }
)


class Calls(Machine):
    """Breakers of three providers, which workers of three deployments ask and send outcomes to."""

    def take(self, permits: list[Permit], number: int) -> Permit:
        """Takes a permit out, mostly the last."""
        return permits.pop(-1 - number % len(permits))

    @rule(deployment=deployments, chain=chains, holds=mostly)
    def ask(self, deployment: str, chain: list[str], holds: bool) -> None:
        self.acquire(deployment, chain, holds=holds)

    @rule(deployment=deployments, chain=chains, calls=st.lists(calls, min_size=1, max_size=4))
    def settle(self, deployment: str, chain: list[str], calls: list[dict[str, Any]]) -> None:
        for call in calls:
            self.acquire(deployment, chain)
            if self.held:
                self.settle_one(deployment, **call)
                self.everything_is_the_model_s()

    def settle_one(self, deployment: str, number: int, remaining: list[str], holds: bool, **said: Any) -> None:
        permit = self.take(self.held, number)
        self.settled.append(permit)
        said["task"] = RETRIED if said["tried"] else said["task"]
        circuit = self.model.circuits.get(permit.provider)
        before = self.refusals()
        late = circuit is not None and permit.generation != circuit.generation
        (reply,) = self.send(deployment, self.recording(deployment, permit, *remaining, holds=holds, **said))
        counted, _, (decision, *_), _ = reply
        self.bit("settle", counted)
        self.bit("settle late", late and not counted)
        self.bit("settle, retry here", decision == "retry")
        self.bit("settle, the next provider", decision == "next")
        self.bit("settle without the task's lease", decision == "lease-lost")
        self.bit("settle with a Retry-After", said["retry_after"] and self.refusals() != before)
        if said["outcome"] == "ignored" and not said["retry_after"] and decision in ("none", "lease-lost"):
            was, now = before.get(permit.provider), self.refusals().get(permit.provider)
            assert now == was or (was is not None and was[0] == "half-open")
        self.bit("settle as ignored", said["outcome"] == "ignored" and counted)

    @precondition(lambda self: self.settled)
    @rule(deployment=deployments, number=numbers, outcome=st.sampled_from(["success", "failure", "quota"]), task=tasks)
    def settle_twice(self, deployment: str, number: int, outcome: str, task: str) -> None:
        permit = self.settled[-1 - number % len(self.settled)]
        before = {name: c.half_open_successes for name, c in self.model.circuits.items()}
        (reply,) = self.send(deployment, self.recording(deployment, permit, outcome=outcome, task=task))
        if permit.half_open_id and outcome == "success" and permit.provider in before:
            assert self.model.circuits[permit.provider].half_open_successes == before[permit.provider]
        self.bit("settle twice", not reply[0])

    def permit(self, deployment: str, name: str) -> Permit | None:
        """Asks one provider; returns its permit, where it gives one."""
        reply = self.acquire(deployment, [name])
        return self.held.pop() if reply[0] == "next" else None

    def opened(self) -> str:
        """Returns a breaker that is open and not barred otherwise."""
        found = ((name, self.model.read(name)) for name in self.model.circuits)
        barred = ((n, c.override or c.auth_locked or c.limited_until > max(c.seen, c.open_until), c) for n, c in found)
        return next((name for name, so, c in barred if c.state == "open" and not so), "")

    def trip(self) -> str:
        """Opens a breaker and returns which."""
        self.control("usual", CHAIN[0], "reset", 0)
        permit = self.permit("usual", CHAIN[0])
        assert permit
        self.send("usual", *(self.recording("usual", permit, outcome="failure", task=TASKS[i % 2]) for i in range(5)))
        return CHAIN[0]

    def half_open(self, deployment: str) -> Permit | None:
        """Waits for the cooldown of an open breaker; returns its permit."""
        name = self.opened() or self.trip()
        self.at(max(self.model.time, self.model.circuits[name].open_until))
        permit = self.permit(deployment, name)
        return permit if permit and permit.half_open_id else None

    @rule(
        deployment=deployments,
        outcomes=st.lists(st.sampled_from(["success"] * 7 + ["failure", "quota"]), min_size=2, max_size=3),
    )
    def cool_down(self, deployment: str, outcomes: list[str]) -> None:
        permit = self.half_open(deployment)
        for outcome in outcomes:
            if permit:
                self.settled.append(permit)
                self.send(deployment, self.recording(deployment, permit, outcome=outcome))
                permit = self.permit(deployment, permit.provider)
        if permit:
            self.held.append(permit)

    @rule(deployment=deployments, outcome=st.sampled_from(["failure", "quota"]), times=st.integers(2, 6))
    def fail_time_and_again(self, deployment: str, outcome: str, times: int) -> None:
        for again in range(times):
            permit = self.half_open(deployment)
            if permit:
                self.send(deployment, self.recording(deployment, permit, outcome=outcome))
                self.bit("openings in a row", again)

    @rule(deployment=deployments, too_late=st.booleans())
    def never_settle(self, deployment: str, too_late: bool) -> None:
        permit = self.half_open(deployment)
        if permit:
            self.at(self.model.time + PERMIT_MS - 1)
            assert self.acquire(deployment, [permit.provider])[0] == "none"
            self.at(self.model.time + 1)
            if too_late:
                ((counted, *_),) = self.send(deployment, self.recording(deployment, permit, outcome="success"))
                assert not counted
            reply = self.acquire(deployment, [permit.provider])
            self.bit("settle never: the permit runs out", reply[0] == "next" and reply[3])

    @rule(deployment=deployments, ms=st.sampled_from([1, MINUTE, 2 * MINUTE]), off=st.sampled_from([0, 1, 1]))
    def extend(self, deployment: str, ms: int, off: int) -> None:
        permit = self.half_open(deployment)
        if permit:
            self.held.append(permit)
            self.at(self.model.time + PERMIT_MS - 1)
            assert [self.extends(permit, ms), self.extends(permit, ms)] == [True, False]
            self.bit("a first token extends a permit, once", so=True)
            self.at(self.model.time + ms + off)
            reply = self.acquire(deployment, [permit.provider])
            granted = reply[0] == "next" and reply[3]
            if granted:
                self.at(self.model.time + PERMIT_MS)
                assert not self.extends(self.held[-1], ms)
            self.bit("a permit that ran out is not extended", granted)

    def extends(self, permit: Permit, ms: int) -> bool:
        reply = self.model.extend(permit.provider, permit.half_open_id, ms)
        assert breaker.extend(self.stores["usual"], permit, ms / 1000) == bool(reply)
        return bool(reply)

    @rule(deployment=deployments, name=providers, count=st.integers(2, 8), several=mostly, anew=mostly)
    def burst(self, deployment: str, name: str, count: int, several: bool, anew: bool) -> None:
        if anew:
            self.control(deployment, name, "reset", 0)
        asked = [self.acquiring(deployment, [name]) for _ in range(count)]
        self.send(deployment, *asked)
        permits = [permit for permit in self.held if permit.provider == name][-count:]
        self.held = [permit for permit in self.held if permit not in permits]
        before = self.model.read(name).generation
        replies = self.send(deployment, *(
            self.recording(deployment, permit, outcome="failure", task=TASKS[i % 3 if several else 0])
            for i, permit in enumerate(permits)
        ))  # fmt: skip
        circuit = self.model.circuits[name]
        self.bit("burst that changes the state once", circuit.generation > before)
        self.bit("burst, the remaining dropped", circuit.generation > before and not replies[-1][0])

    @rule(
        deployment=deployments,
        name=providers,
        rounds=st.sampled_from([5, 4, 3, 1]),
        failures=st.sampled_from([4, 3, 2, 1]),
        successes=st.sampled_from([1, 1, 1, 9]),
        anew=mostly,
    )
    def fail_in_a_pattern(
        self, deployment: str, name: str, rounds: int, failures: int, successes: int, anew: bool
    ) -> None:
        if anew:
            self.control(deployment, name, "reset", 0)
        if permit := self.permit(deployment, name):
            outcomes = (["failure"] * failures + ["success"] * successes) * rounds
            asked = [self.recording(deployment, permit, outcome=o, task=TASKS[i % 3]) for i, o in enumerate(outcomes)]
            self.send(deployment, *asked)

    @rule(
        deployment=deployments,
        name=providers,
        count=st.integers(30, 70),
        token=st.sampled_from([100, 300, 500]),
        spread=st.sampled_from([1, 7, 60]),
        slower=st.sampled_from([1, 3, 10]),
    )
    def answers(self, deployment: str, name: str, count: int, token: int, spread: int, slower: int) -> None:
        if permit := self.permit(deployment, name):
            tokens = [token + i * spread % 97 for i in range(count)] + [slower * token] * 6
            said = [{"outcome": "success", "first_token": each, "latency": 2 * each} for each in tokens]
            self.send(deployment, *(self.recording(deployment, permit, **each) for each in said))
            self.bit("first tokens, a baseline learned", self.model.circuits[name].latency_count == 50)

    @rule(chain=st.lists(st.sampled_from(CHAIN), unique=True, min_size=2), forced=st.booleans())
    def slow_down(self, chain: list[str], forced: bool) -> None:
        for name in chain:
            if permit := self.permit("usual", name):
                tokens = [300] * 50 + [6000] * 6
                said = [{"outcome": "success", "first_token": each} for each in tokens]
                self.send("usual", *(self.recording("usual", permit, **each) for each in said))
        deprioritised = [name for name in chain if self.model.read(name).deprioritised_until > self.model.time]
        if forced and deprioritised:
            self.control("usual", deprioritised[-1], "closed", 1)
        reply = self.acquire("usual", chain)
        self.bit("deprioritised, all of a chain", len(deprioritised) == len(chain) and reply[0] == "next")
        self.bit("deprioritised, but forced closed", forced and deprioritised)

    @rule(outcome=st.sampled_from(["failure", "success"]), lifted=st.sampled_from([0, 1]))
    def settle_without_a_permit(self, outcome: str, lifted: int) -> None:
        if half_open := self.half_open("usual"):
            self.control("usual", half_open.provider, "closed", 1)
            permit = self.permit("usual", half_open.provider)
            assert permit
            assert not permit.half_open_id
            self.at(self.model.time + lifted)
            self.send("usual", self.recording("usual", permit, outcome=outcome))
            self.bit(
                "settle without a permit while half-open", self.model.circuits[half_open.provider].state == "half-open"
            )

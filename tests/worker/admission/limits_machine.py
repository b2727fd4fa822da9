"""A state machine for limits and budgets, beside that of the breakers: calls that reserve, settle, die, are renewed.

Some of them are retries, which the retry budget may refuse, too.

After every step slots, minutes and sums are the model's, and the invariants hold; these are read off replies alone.
"""

from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from config.breaker import Breaker, RetryBudget
from config.limits import Limits
from tests.worker.admission.breaker_circuit import Rules
from tests.worker.admission.breaker_machine import RETRIED, TASKS, Machine
from tests.worker.admission.clocked_breaker import CHAIN, MINUTE, PERMIT_MS, SECOND
from tests.worker.admission.limits_model import DAY, Used
from worker.admission.breaker import Permit
from worker.limits.bill import Bill, Figures, Row, ledger_line
from worker.limits.demand import Budgets, Estimate

LIMITS = {
    "alpha": Limits(requests_per_minute=4, tokens_per_minute=1_500),
    "beta": Limits(concurrency=2, usd_per_day=2e-6),
    "gamma": Limits(tokens_per_minute=600),
}
TIGHTER = Breaker(cooldown_period=5.0, retry_budget=RetryBudget(min_per_minute=1))
LIMITED = {
    "usual": Rules(Breaker(), PERMIT_MS, LIMITS),
    "tighter": Rules(TIGHTER, PERMIT_MS, {"alpha": Limits(requests_per_minute=3, concurrency=2)}),
}
"""Deployments; the second has fewer limits, as during a rollout."""

demands = st.fixed_dictionaries(
    {
        "tokens": st.sampled_from([0, 0, 1, 100, 300, 600]),
        "nano": st.sampled_from([0, 0, 0, 1, 300, 1_000]),
        "most": st.sampled_from([None, None, None, 1_500, 9_000]),
        "chain": st.sampled_from([None, None, 1_500, 4_000]),
        "tenant": st.sampled_from(["", "a", "b"]),
    }
)
more = st.sampled_from([-1, 0, 0, 1, 250, -100, -300])
deployments = st.sampled_from(["usual"] * 4 + ["tighter"])
chains = st.lists(st.sampled_from(CHAIN), unique=True, min_size=1)
numbers = st.sampled_from([0] * 3 + [1, 2, 5])
tasks = st.sampled_from([TASKS[0], TASKS[0], RETRIED])


class LimitsMachine(Machine):
    """Workers of two deployments that share limits and budgets."""

    deployed: ClassVar[dict[str, Rules]] = LIMITED

    def __init__(self) -> None:
        super().__init__()
        self.model.used.holders = frozenset((*TASKS, RETRIED))
        self.model.tried[RETRIED] = CHAIN
        self.server.hset(self.stores["usual"].keys.task(RETRIED), "tried", " ".join(CHAIN))
        self.reserved: dict[str, tuple[str, dict[str, Any], Estimate]] = {}
        self.granted: list[tuple[int, str]] = []
        self.rows: Counter[tuple[int, str]] = Counter()

    def budgets(self, drawn: dict[str, Any]) -> Budgets:
        daily = [("chain:one", drawn["chain"], "chain")] if drawn["chain"] else []
        daily += [(f"tenant:{drawn['tenant']}", 2_500, "tenant")] if drawn["tenant"] else []
        return Budgets(drawn["most"], tuple(daily))

    def demand(self, drawn: dict[str, Any], chain: list[str]) -> str:
        return self.budgets(drawn).demand([Estimate(drawn["tokens"], drawn["nano"])] * len(chain))

    @rule(deployment=deployments, chain=chains, drawn=demands, times=st.integers(1, 4), task=tasks)
    def ask(self, deployment: str, chain: list[str], drawn: dict[str, Any], times: int, task: str) -> None:
        for _ in range(times):
            held = len(self.held)
            asked = self.acquiring(deployment, chain, demand=self.demand(drawn, chain), task=task)
            (reply,) = self.send(deployment, asked)
            self.note(deployment, reply, drawn, held)
            self.sums_are_the_model_s()

    def note(self, deployment: str, reply: list[Any], drawn: dict[str, Any], held: int) -> None:
        """Counts what refused, and remembers what a granted call reserved."""
        for reason, _ in reply[6] if reply[0] in ("next", "none") else []:
            self.bit(f"refused, {reason}", reason)
        if len(self.held) > held and self.held[-1].slot_id:
            permit = self.held[-1]
            self.reserved[permit.slot_id] = (deployment, drawn, Estimate(drawn["tokens"], drawn["nano"]))
            self.check_granted(deployment, permit)

    def check_granted(self, deployment: str, permit: Permit) -> None:
        """Demands of a granted call that it is within the limits, by a count of this test's own."""
        limits, name = self.deployed[deployment].of(permit.provider), permit.provider
        if limits.requests_per_minute:
            self.granted.append((permit.reserved_ms, name))
            last = [at for at, of in self.granted if of == name and abs(permit.reserved_ms - at) < MINUTE]
            assert len(last) <= limits.requests_per_minute
        if limits.concurrency:
            slots = self.server.zrange(self.slots_key(name), 0, -1, withscores=True)
            live = [slot for slot, ends in slots if ends > self.model.time]
            assert len(live) <= limits.concurrency

    @precondition(lambda self: self.held)
    @rule(
        number=numbers,
        outcome=st.sampled_from(["success"] * 3 + ["failure", "ignored"]),
        more_tokens=more,
        more_nano=more,
        chain=st.lists(st.sampled_from(CHAIN), unique=True, max_size=2),
        next_drawn=demands,
        twice=st.sampled_from([False, False, True]),
        tried=st.sampled_from([(), (), (), CHAIN[:1], CHAIN]),
    )
    def settle(
        self,
        number: int,
        outcome: str,
        more_tokens: int,
        more_nano: int,
        chain: list[str],
        next_drawn: dict[str, Any],
        twice: bool,
        tried: tuple[str, ...],
    ) -> None:
        permit = self.held.pop(-1 - number % len(self.held))
        deployment, drawn, expected = self.reserved.get(permit.slot_id, ("usual", None, None))
        bill = self.bill(permit, drawn, expected, more_tokens, more_nano)
        was_there = permit.slot_id in self.model.used.slots.get(permit.provider, {})
        demand = self.demand(next_drawn, chain) if chain else ""
        held = len(self.held)
        said = {"outcome": outcome, "tried": tried, "task": RETRIED if tried else TASKS[0]}
        asked = self.recording(deployment, permit, *chain, bill=bill, demand=demand, **said)
        (reply,) = self.send(deployment, asked)
        self.note(deployment, reply[2], next_drawn, held)
        self.bit("settled", was_there)
        self.bit("settled after its slot ran out", permit.slot_id and not was_there)
        self.check_ledger(bill)
        if twice:
            self.send(deployment, self.recording(deployment, permit, outcome=outcome, bill=Bill(bill.settlement)))
            self.bit("settled twice", was_there)

    def bill(self, permit: Permit, drawn: Any, expected: Any, tokens: int, nano: int) -> Bill:
        """Returns a bill that is off the estimate by this, at least 0 in all."""
        row = Row(permit.provider, "m/1", "one", drawn["tenant"] if drawn else "")
        line = ledger_line(row, Figures(nano=7, prompt=3, completion=2, answered=1))
        if not drawn:
            return Bill("", line)
        off = Estimate(max(tokens, -expected.tokens), max(nano, -expected.nano) if expected.nano else 0)
        return Bill(self.budgets(drawn).settlement(off), line)

    def check_ledger(self, bill: Bill) -> None:
        """Demands of the ledger that it has each bill once."""
        row = bill.ledger[bill.ledger.index("[") :]
        day = self.model.time // DAY
        self.rows[day, row] += 1
        stored = self.server.hget(f"{{fallback}}:2:spend:{day}", row)
        times = self.rows[day, row]
        assert stored == f"{7 * times} 0 {3 * times} {2 * times} 0 {times} 0 0 0"

    @precondition(lambda self: self.reserved)
    @rule(numbers=st.lists(numbers, min_size=1, max_size=3))
    def renew(self, numbers: list[int]) -> None:
        ids = list(self.reserved)
        chosen = [permit for permit in self.held if permit.slot_id in ids][-3:]
        if not chosen:
            return
        store = self.stores["usual"]
        keys = [store.keys.breaker(permit.provider) for permit in chosen]
        store.run(store.script("renew_slots", keys, *(permit.slot_id for permit in chosen)))
        for permit in chosen:
            there = permit.slot_id in self.model.used.slots.get(permit.provider, {})
            self.model.used.renew(permit.provider, permit.slot_id, self.model.time)
            self.bit("renewed", there)
            self.bit("not renewed: it had run out", not there)

    @rule(ms=st.sampled_from([1, 499, 500, SECOND, 5 * SECOND, 14_999, 15 * SECOND, 45_000, 60_500, 3 * MINUTE]))
    def time_goes_on(self, ms: int) -> None:
        self.at(self.model.time + ms)

    @precondition(lambda self: any(map(len, self.model.used.budgets.values())))
    @rule(ends=st.sampled_from([True, False, False, False]), off=st.sampled_from([-1, 0]))
    def a_day_ends(self, ends: bool, off: int) -> None:
        if ends:
            self.at((self.model.time // DAY + 1) * DAY + off)
            self.bit("a day ends", so=True)

    @rule(ms=st.sampled_from([1, SECOND, MINUTE]))
    def clock_goes_back(self, ms: int) -> None:
        self.at(self.model.time - ms)

    @rule(chain=chains, drawn=demands, off=st.sampled_from([-1, 0]))
    def time_comes_to_what_a_refusal_said(self, chain: list[str], drawn: dict[str, Any], off: int) -> None:
        held = len(self.held)
        (reply,) = self.send("usual", self.acquiring("usual", chain, demand=self.demand(drawn, chain)))
        self.note("usual", reply, drawn, held)
        if reply[0] == "none" and reply[4] > self.model.time and reply[4] - self.model.time < 2 * MINUTE:
            self.at(reply[4] + off)
            self.ask("usual", chain, drawn, 1, TASKS[0])

    def slots_key(self, name: str) -> str:
        return f"{{fallback}}:2:breaker:{name}:slots"

    @invariant()
    def sums_are_the_model_s(self) -> None:
        used: Used = self.model.used
        for name in CHAIN:
            assert dict(self.server.zrange(self.slots_key(name), 0, -1, withscores=True)) == used.slots.get(name, {})
            minute = self.server.hgetall(f"{{fallback}}:2:breaker:{name}:minute")
            assert minute == (used.minutes[name].stored() if name in used.minutes else {})
        days = {int(key.rpartition(":")[2]): key for key in self.server.scan_iter("*:budgets:*")}
        stored = {day: {f: int(nano) for f, nano in self.server.hgetall(key).items()} for day, key in days.items()}
        assert stored == {day: dict(sums) for day, sums in used.budgets.items()}
        spent = {task: self.server.hget(self.stores["usual"].keys.task(task), "cost") for task in (*TASKS, RETRIED)}
        assert {task: int(nano) for task, nano in spent.items() if nano is not None} == dict(used.spent)
        others = (*self.server.scan_iter("*:spend:*"), *self.server.scan_iter("*:minute"))
        assert all(self.server.ttl(key) > 0 for key in (*days.values(), *others))

"""A state machine for scores, beside that of the breakers: groups of which the best is asked, and what attempts teach.

After every step every reply and every field is the model's, and what must hold of scores is read off replies and
fields alone.
"""

import json
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from config.breaker import Adaptive, Breaker
from config.limits import Limits
from tests.worker.admission.breaker_circuit import Rules
from tests.worker.admission.breaker_machine import TASKS, Machine
from tests.worker.admission.clocked_breaker import CHAIN, HOUR, MINUTE, PERMIT_MS, SECOND
from worker.admission.breaker import Permit
from worker.admission.first_tokens import Lesson
from worker.admission.score import Sample, Scoring

MOST_BYTES, MOST_OF_ALL = 64, 300
SLOT = 15 * SECOND
LIMITS = {"beta": Limits(concurrency=2)}
QUICK = Breaker(cooldown_period=5.0, adaptive=Adaptive(latency="on"))
SCORED = {"usual": Rules(QUICK, PERMIT_MS, LIMITS), "free": Rules(QUICK, PERMIT_MS)}
OWN = ("score:default", "speed:default", "load", "hot_until")

orders = st.permutations(CHAIN)
shapes = st.sampled_from([(1, 1, 1)] * 4 + [(1, 1, 0), (0, 1, 1), (1, 2, 2), (-1, 1, 1), (0, 0, 0)])
rates = st.sampled_from([(3000, 300, 15_000, 0), (0, 0, 0, 0), (100.5, 100.5, 400, 0), (3000, 3000, 15_000, 1_000_000)])
tokens = st.sampled_from([0, 1, 15, 16, 300, 1000, 20_000])
scorings = st.fixed_dictionaries(
    {
        "rates": st.lists(rates, min_size=3, max_size=3),
        "prompt": tokens,
        "output": st.sampled_from([1000, 200]),
        "second_usd": st.sampled_from([0.002, 0.002, 0.0, 0.1]),
        "limit": st.sampled_from([None, None, 10, 500]),
        "explores": st.sampled_from([False] * 5 + [True]),
    }
)
outcomes = st.sampled_from(["success"] * 6 + ["failure"] * 2 + ["ignored"])
deployments = st.sampled_from(["usual"] * 3 + ["free"])
latencies = st.sampled_from([0, 5, 200, 1000, 2500, 20_000, HOUR, 2 * HOUR])
parts = st.sampled_from([0.0, 0.1, 0.5, 1.0, 1.5])


class ScoreMachine(Machine):
    """Workers that choose within groups."""

    deployed: ClassVar[dict[str, Rules]] = SCORED

    @rule(deployment=deployments, chain=orders, shape=shapes, drawn=scorings, times=st.integers(1, 4))
    def ask(self, deployment: str, chain: list[str], shape: tuple[int, ...], drawn: Any, times: int) -> None:
        scoring = Scoring(shape, tier="default", **drawn)
        demand = json.dumps(scoring.demand()) if any(shape) else ""
        for _ in range(times):
            before = self.fields()
            admitting = [name for name in chain if not self.is_refused(deployment, name)]
            (reply,) = self.send(deployment, self.acquiring(deployment, chain, demand=demand))
            assert (reply[0] == "next") == bool(admitting)
            if reply[0] == "next":
                self.check(list(reply), chain, shape, scoring, before, admitting)

    def is_refused(self, deployment: str, name: str) -> bool:
        """Tells whether a provider does not admit, by its breaker or by its slots."""
        c, limits = self.model.read(name), self.deployed[deployment].of(name)
        live = [ends for ends in self.model.used.slots.get(name, {}).values() if ends > c.seen]
        return bool(c.refusal()) or bool(limits.concurrency and len(live) >= limits.concurrency)

    def is_last(self, name: str) -> bool:
        """Tells whether the latency detector deprioritises a provider: outside of groups it is asked last."""
        c = self.model.read(name)
        return c.deprioritised_until > c.seen

    def check(
        self, reply: list[Any], chain: list[str], shape: Any, scoring: Scoring, before: Any, admitting: list[str]
    ) -> None:
        """Demands of a granted permit what holds whatever the figures are."""
        place, name = reply[1], chain[reply[1] - 1]
        number = shape[place - 1]
        group = [each for each, of in zip(chain, shape, strict=True) if of == number] if number else [name]
        self.bit("chosen within a group", len(group) > 1)
        after = self.fields()
        if not number:
            assert len(reply) <= 9
            assert after == before | {each: after[each] for each in after.keys() - before.keys()}
            return
        cost, ms, success, usd, _ = reply[9]
        assert 0 < success < 1_000_000
        assert cost >= 0
        assert ms >= 0
        exact = (cost + scoring.second_usd * 1_000_000 * ms) / (success / 1e6)
        assert abs(usd - exact) <= 1e-4 * exact + 2 * scoring.second_usd * 1_000_000 + 4
        others = [each for each in group if each != name]
        assert all(after.get(each) == before.get(each) for each in others if each in before)
        assert not [each for each in chain[: chain.index(group[0])] if each in admitting and not self.is_last(each)]
        self.bit("one behind is chosen", number and group.index(name) > 0 and group[0] in admitting)
        hot = [each for each in group if self.model.read(each).hot_until > self.model.time]
        if name in hot:
            assert all(each in hot or each not in admitting for each in group)
        self.bit("a hot one is left", group[0] in hot and name not in hot)
        self.bit("the oldest is asked", scoring.explores)
        self.bit("chosen though it is deprioritised", self.is_last(name))

    def fields(self) -> dict[str, dict[str, str]]:
        """Returns what is stored for scores."""
        stored = {name: self.server.hgetall(self.stores["usual"].keys.breaker(name)) for name in CHAIN}
        return {name: {own: found[own] for own in OWN if own in found} for name, found in stored.items() if found}

    @precondition(lambda self: self.held)
    @rule(
        number=st.sampled_from([0] * 4 + [1, 2, 5]),
        outcome=outcomes,
        latency=latencies,
        part=parts,
        prompt=tokens,
        output=tokens,
        cached=st.sampled_from([0, 0, 100, 1000]),
        scarce=st.sampled_from([0] * 4 + [1, SECOND, 2 * MINUTE]),
        chain=st.lists(st.sampled_from(CHAIN), unique=True, max_size=2),
        drawn=scorings,
        learns=st.booleans(),
    )
    def settle(
        self,
        number: int,
        outcome: str,
        latency: int,
        part: float,
        prompt: int,
        output: int,
        cached: int,
        scarce: int,
        chain: list[str],
        drawn: Any,
        learns: bool,
    ) -> None:
        permit = self.held.pop(-1 - number % len(self.held))
        sample = self.sample(permit, outcome, prompt, output, cached, scarce)
        drawn = drawn | {"rates": drawn["rates"][: len(chain)]}
        demand = json.dumps(Scoring([1] * len(chain), tier="default", **drawn).demand()) if chain else ""
        first_token = min(round(part * latency), 10 * MINUTE)
        lesson = Lesson("default", prompt) if learns and first_token else None
        said = {"outcome": outcome, "latency": latency, "first_token": first_token, "lesson": lesson, "sample": sample}
        before = self.fields()
        (reply,) = self.send("usual", self.recording("usual", permit, *chain, demand=demand, **said))
        after = self.fields()
        self.note(permit.provider, before, after, sample, counted=bool(reply[0]), chain=chain)

    def sample(self, permit: Permit, outcome: str, prompt: int, output: int, cached: int, scarce: int) -> Sample | None:
        if not permit.score:
            return None
        return Sample("default", outcome == "success", prompt, output, cached, permit.score.load, scarce)

    def note(
        self, name: str, before: Any, after: Any, sample: Sample | None, *, counted: bool, chain: list[str]
    ) -> None:
        """Demands that only what counts is learned, latency from answers alone; counts what was."""
        if not counted or not sample:
            assert chain or after == before
            return
        self.bit("learned of an answer", sample.answered)
        self.bit("learned of a failure", not sample.answered)
        self.bit("learned under load", sample.load)
        if not sample.answered and before[name].get("speed:default"):
            old, new = (each[name]["speed:default"].split() for each in (before, after))
            assert old[:4] == new[:4]
        self.bit("hot", "hot_until" in after[name] and after[name]["hot_until"] != "0")

    @rule(
        ms=st.sampled_from([1, 100, SECOND, 5 * SECOND, SLOT, 20 * SECOND, MINUTE, 2 * MINUTE, 10 * MINUTE, 3 * HOUR])
    )
    def time_goes_on(self, ms: int) -> None:
        self.at(self.model.time + ms)

    @precondition(lambda self: self.model.circuits)
    @rule(
        kind=st.sampled_from(["clock", "clock", "open", "closed", "reset", "fails", "fails"]),
        name=st.sampled_from(CHAIN),
        ms=st.sampled_from([1, SECOND, MINUTE]),
    )
    def is_disturbed(self, kind: Any, name: str, ms: int) -> None:
        if kind == "clock":
            self.at(self.model.time - ms)
            self.bit("the clock goes back", any(c.seen > self.model.time for c in self.model.circuits.values()))
        elif kind == "fails":
            self.fail_in_a_row(name)
        else:
            self.control("usual", name, kind, ms)

    @rule(name=st.sampled_from(CHAIN), chain=orders, drawn=scorings)
    def becomes_slow(self, name: str, chain: list[str], drawn: Any) -> None:
        (reply,) = self.send("usual", self.acquiring("usual", [name]))
        if reply[0] != "next":
            return
        permit = self.held.pop()
        times = [400] * 55 + [4000] * 6
        said = {"outcome": "success", "latency": 5000}
        self.send("usual", *(self.recording("usual", permit, first_token=ms, **said) for ms in times))
        self.ask("usual", [name, *(each for each in chain if each != name)], (1, 1, 1), drawn, 1)

    def fail_in_a_row(self, name: str) -> None:
        for i in range(5):
            (reply,) = self.send("usual", self.acquiring("usual", [name]))
            if reply[0] != "next":
                break
            self.send("usual", self.recording("usual", self.held.pop(), outcome="failure", task=TASKS[i % 2]))

    @invariant()
    def fields_are_small_and_sane(self) -> None:
        for fields in self.fields().values():
            assert all(len(text) <= MOST_BYTES for text in fields.values())
            assert sum(len(name) + len(text) + 4 for name, text in fields.items()) <= MOST_OF_ALL
            assert all(int(number) >= 0 for text in fields.values() for number in text.split())

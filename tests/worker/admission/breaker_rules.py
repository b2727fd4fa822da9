"""The rules of the state machine about all else: time, operators, probes, lost keys."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.worker.admission.breaker_calls import chains, deployments, mostly, numbers, providers
from tests.worker.admission.breaker_circuits import HOUR, MINUTE
from tests.worker.admission.breaker_machine import RULES
from tests.worker.admission.breaker_retries import Retries
from tests.worker.admission.breaker_silences import Silences
from tests.worker.admission.clocked_breaker import SECOND
from worker.admission import breaker


class BreakerMachine(Retries, Silences):
    """What calls do, and what time, operators, probes and losses do in between."""

    @rule(ms=st.sampled_from([1, 100, SECOND, 20 * SECOND, MINUTE, 10 * MINUTE, 3 * HOUR]))
    def time_goes_on(self, ms: int) -> None:
        before = self.refusals()
        self.at(self.model.time + ms)
        self.bit("time forwards", self.refusals() != before)

    @rule(which=st.lists(st.tuples(numbers, st.sampled_from([-1, 0, 1])), min_size=1, max_size=4), chain=chains)
    def time_comes_to_deadlines(self, which: list[tuple[int, int]], chain: list[str]) -> None:
        for number, off in which:
            if ends := self.ends():
                before = self.refusals()
                self.at(max(self.model.time, ends[number % len(ends)] + off))
                self.bit("time to a deadline: refused still", off < 0 and self.refusals() == before)
                self.bit("time to a deadline: no longer", off >= 0 and self.refusals() != before)
                self.acquire("usual", chain)
                self.everything_is_the_model_s()

    def ends(self) -> list[int]:
        """Returns the stored deadlines that are still to come."""
        circuits = self.model.circuits.values()
        stored = (
            (c.open_until, c.limited_until, c.deprioritised_until, c.override_until, *c.permits.values())
            for c in circuits
        )
        return sorted({int(at) for each in stored for at in each if at >= self.model.time})

    @rule(ms=st.sampled_from([1, SECOND, MINUTE, HOUR]), chain=chains)
    def clock_goes_back(self, ms: int, chain: list[str]) -> None:
        before = self.refusals()
        self.at(self.model.time - ms)
        ahead = any(c.seen > self.model.time for c in self.model.circuits.values())
        self.acquire("usual", chain)
        self.bit("the clock goes back", ahead and any(before.values()))

    @rule(
        deployment=deployments,
        name=providers,
        action=st.sampled_from(["open", "closed", "reset"]),
        ms=st.sampled_from([0, 1, SECOND, SECOND, MINUTE, MINUTE]),
    )
    def operate(self, deployment: str, name: str, action: Any, ms: int) -> None:
        self.control(deployment, name, action, ms)

    @rule(
        deployment=deployments,
        name=providers,
        answers=st.lists(st.booleans(), min_size=1, max_size=4),
        key=mostly,
        fingerprint=st.sampled_from(["aaaaaa", "bbbbbb", ""]),
        bad=st.lists(st.sampled_from(["aaaaaa", "bbbbbb"]), min_size=1, max_size=3),
    )
    def probe(
        self, deployment: str, name: str, answers: list[bool], key: bool, fingerprint: str, bad: list[str]
    ) -> None:
        name = next((each for each, c in self.model.circuits.items() if c.auth_locked), name)
        if key and (permit := self.permit(deployment, name)):
            said = [{"outcome": "authentication", "key": each} for each in bad]
            self.send(deployment, *(self.recording(deployment, permit, **each) for each in said))
            self.bit("several keys are refused", " " in self.model.circuits[name].refused)
        store = self.stores[deployment]
        for answered in answers:
            known = self.model.circuits.get(name)
            auth_locked, before = (known.auth_locked, known.failed_probes) if known else (0, 0)
            refused, accepts = known.refused if known else "", answered and key
            self.model.probed(name, answered, accepts, fingerprint, RULES[deployment])
            store.run(breaker.probed(store, name, answered=answered, authenticated=accepts, key=fingerprint))
            now = self.model.circuits[name]
            self.bit("probe: a block ends", now.auth_locked < auth_locked)
            self.bit("probe: a refused key is accepted", now.refused != refused)
            self.bit("probe: another key is accepted", accepts and refused and now.refused == refused)
            self.bit("probe: an answer again", now.failed_probes < before)
            self.everything_is_the_model_s()

    @precondition(lambda self: self.model.circuits)
    @rule(name=providers)
    def lose_keys(self, name: str) -> None:
        self.lose(name)
        self.report("usual", name, self.model.time, [])
        stale = [permit for permit in self.held if permit.provider == name]
        if stale:
            (reply,) = self.send("usual", self.recording("usual", stale[0], outcome="failure"))
            self.at(self.model.time - 1)  # the key begins again under an earlier generation
            self.acquire("usual", [name])
            (again,) = self.send("usual", self.recording("usual", stale[0], outcome="failure"))
            self.bit("a result after key loss is dropped", not reply[0] and not again[0])
        if len(stale) > 1:
            self.lose(name)
            self.send("usual", self.recording("usual", stale[1], outcome="failure", retry_after=SECOND))
            self.bit("a Retry-After outlives key loss", self.refusals()[name])

    def lose(self, name: str) -> None:
        """Deletes what is stored of a breaker."""
        key = self.stores["usual"].keys.breaker(name)
        self.server.delete(key, f"{key}:window", f"{key}:permits")
        self.model.circuits.pop(name, None)
        self.watched.forget(name)

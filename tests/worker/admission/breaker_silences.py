"""The rules of the state machine about silence: first tokens that are learned, and calls in flight without one."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.worker.admission.breaker_calls import Calls, deployments, providers
from tests.worker.admission.breaker_machine import RULES, TASKS
from tests.worker.admission.clocked_breaker import CHAIN, SECOND
from worker.admission.first_tokens import LEARNED, Lesson


class Silences(Calls):
    """What attempts teach of first tokens, and what processes report of calls that have none."""

    @rule(
        deployment=deployments,
        name=providers,
        tokens=st.lists(st.sampled_from([0, 10, 500, 20_000]), min_size=1, max_size=3),
        answers=st.sampled_from([60, 30]),
        spread=st.sampled_from([1, 60]),
        silences=st.lists(st.tuples(st.sampled_from([0, 999, 1000]), st.sampled_from([100, 4000, 30_000])), max_size=4),
    )
    def learn(
        self,
        deployment: str,
        name: str,
        tokens: list[int],
        answers: int,
        spread: int,
        silences: list[tuple[int, int]],
    ) -> None:
        if permit := self.permit(deployment, name):
            said = [
                {
                    "outcome": "success",
                    "first_token": 300 + i * spread % 97,
                    "lesson": Lesson("default", tokens[i % len(tokens)]),
                }
                for i in range(answers)
            ]
            self.send(deployment, *(self.recording(deployment, permit, **each) for each in said))
            for wait, silence in silences:
                before = self.model.circuits[name].usual
                self.at(self.model.time + wait)
                lesson = Lesson("default", tokens[0], silence)
                self.send(deployment, self.recording(deployment, permit, outcome="ignored", lesson=lesson))
                usual = self.model.circuits[name].usual
                known = bool(usual) and usual[0] == LEARNED
                self.bit("a silence is learned", usual != before)
                self.bit(
                    "a silence teaches nothing, as another did just now", known and wait < SECOND and usual == before
                )

    @rule(
        deployment=st.sampled_from(["usual"] * 4 + ["observing", "plain"]),
        name=providers,
        count=st.sampled_from([8, 4, 5, 7, 8]),
        several=st.sampled_from([True, True, True, False]),
        ago=st.sampled_from([3500, 9000, 3499, 3499, 9000]),
        spoke=st.sampled_from([None] * 5 + [1, 1, -3]),
        reports=st.sampled_from([2, 2, 2, 2, 1]),
        wait=st.sampled_from([0, 0, 0, 3 * SECOND, 10 * SECOND]),
        late=st.sampled_from([0, 0, 0, 1]),
    )
    def fall_silent(
        self, deployment: str, name: str, count: int, several: bool, ago: int, spoke: int | None, reports: int,
        wait: int, late: int,
    ) -> None:  # fmt: skip
        """Reports calls that began `ago` ms before, by one process or by two; a token came `spoke` ms later."""
        self.control(deployment, name, "reset", 0)
        if not (permit := self.permit(deployment, name)):
            return
        last, generation, closed = self.model.time - ago, permit.generation - late, ("closed", "")
        calls = [(last - i, generation, TASKS[i % 2 if several else 0]) for i in range(count)]
        for part in range(reports):
            before = self.model.read(name)
            self.report(deployment, name, 0 if spoke is None or part else last + spoke, calls[part::reports])
            opened = before.state == "closed" and self.model.circuits[name].state == "open"
            enough = (before.state, before.override) == closed and count >= 5 and several and part == reports - 1
            kept = enough and not opened
            self.bit("silent calls open the breaker", opened)
            self.bit("silent calls of two processes open it together", opened and part)
            self.bit("silent calls, but one had a token", kept and spoke)
            self.bit("silent calls of an earlier generation", kept and late)
            self.bit("silent calls, one of them not for long enough", kept and ago < 3500)
            self.at(self.model.time + wait)
        self.report(deployment, name, 0, [])  # of a process that waits for nothing, which opens nothing

    @rule(deployment=deployments, forced=st.booleans())
    def fall_silent_while_not_closed(self, deployment: str, forced: bool) -> None:
        """Reports calls of a breaker that is half-open, or that an operator has forced closed."""
        if forced:
            self.control(deployment, CHAIN[0], "reset", 0)
            self.control(deployment, CHAIN[0], "closed", SECOND)
            permit = self.permit(deployment, CHAIN[0])
        else:
            permit = self.half_open(deployment)
        if permit:
            self.held.append(permit)
            before = self.refusals()
            calls = [(self.model.time - 9000, permit.generation, f"task-{i}") for i in range(8)]
            self.report(deployment, permit.provider, 0, calls)
            assert self.refusals() == before
            self.bit("silent calls of a breaker that is not closed", so=True)

    def report(self, deployment: str, name: str, spoke: int, calls: list[tuple[int, int, str]]) -> None:
        """Sends one process's report, and demands what the model makes of it."""
        store = self.stores[deployment]
        keys = [store.keys.events, store.keys.breaker(name), store.keys.silent(name)]
        command = store.script("stalls", keys, name, spoke, 500, *(field for call in calls for field in call))
        self.send(deployment, (command, self.model.stalls(name, spoke, 500, calls, RULES[deployment])))
        stored = dict(self.server.zrange(store.keys.silent(name), 0, -1, withscores=True))
        assert stored == self.model.silent.get(name, {})

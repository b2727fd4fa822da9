"""The rules of the state machine about retries, which a budget limits, and about what is slow for hours."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.worker.admission.breaker_calls import Calls, chains, deployments, providers
from tests.worker.admission.breaker_circuits import HOUR, MINUTE
from tests.worker.admission.breaker_machine import RETRIED
from tests.worker.admission.clocked_breaker import CHAIN

DAY = 24 * HOUR


class Retries(Calls):
    """What completions do that ask a provider again, and what answers do to the long baseline."""

    @rule(deployment=deployments, chain=chains)
    def ask_again(self, deployment: str, chain: list[str]) -> None:
        self.acquire(deployment, chain, task=RETRIED)

    @rule(
        deployment=deployments, name=providers, calls=st.sampled_from([0, 20, 60]), many=st.integers(2, 9),
        anew=st.booleans(), countdown=st.sampled_from([0, MINUTE]), forced=st.sampled_from([False] * 4 + [True]),
    )  # fmt: skip
    def retry_until_none_is_left(
        self, deployment: str, name: str, calls: int, many: int, anew: bool, countdown: int, forced: bool
    ) -> None:
        if anew:
            self.control(deployment, name, "reset", 0)
        permit = self.permit(deployment, name)
        if not permit:
            return
        self.send(deployment, *(self.recording(deployment, permit, outcome="success") for _ in range(calls)))
        tried = {"outcome": "ignored", "tried": (name,), "task": RETRIED}
        self.send(deployment, self.recording(deployment, permit, **tried))
        if forced:
            self.control(deployment, name, "closed", MINUTE)
        replies = [self.acquire(deployment, [name], task=RETRIED) for _ in range(many)]
        self.bit("retry", replies[0][0] == "next")
        self.bit("retry, forced closed", forced)
        (said,) = self.send(deployment, self.recording(deployment, permit, **tried, countdown=countdown))
        self.bit("retry, postponed when it is planned", said[3])
        if said[3]:
            just = said[3] - self.model.read(name).seen
            (in_time,) = self.send(deployment, self.recording(deployment, permit, **tried, countdown=just))
            self.bit("retry, planned for when the budget has room", in_time[2] == ["retry"])
        reply = self.acquire(deployment, [name, *(other for other in CHAIN if other != name)], task=RETRIED)
        self.bit("retry, the next provider in its place", reply[0] == "next" and reply[1] > 1)
        if replies[-1][0] == "none" and replies[-1][6][0][0] == "retry-budget":
            self.at(replies[-1][4])
            reply = self.acquire(deployment, [name], task=RETRIED)
            self.bit("retry, when the budget has room again", reply[0] == "next")

    @rule(
        deployment=st.sampled_from(["usual", "usual", "observing"]), name=providers, usual=st.sampled_from([100, 300]),
        every=st.sampled_from([MINUTE, MINUTE, 5 * MINUTE, 9_000]),
        ends=st.sampled_from(["faster", "in a day", "both", "never"]), off=st.sampled_from([-1, 0]),
    )  # fmt: skip
    def be_slow_for_long(self, deployment: str, name: str, usual: int, every: int, ends: str, off: int) -> None:
        self.control(deployment, name, "reset", 0)
        permit = self.permit(deployment, name)
        if not permit:
            return
        answers = {"outcome": "success", "latency": 9}
        self.send(deployment, *(self.recording(deployment, permit, **answers, first_token=usual) for _ in range(50)))
        for minute in range(11):
            self.at(self.model.time + every)
            self.send(deployment, self.recording(deployment, permit, **answers, first_token=usual + minute % 3))
        self.send(
            deployment, *(self.recording(deployment, permit, **answers, first_token=6 * usual) for _ in range(50))
        )
        self.bit("slow for hours", self.model.circuits[name].slow_since)
        if ends in ("in a day", "both"):
            self.at(self.model.time + DAY + off)
        if ends in ("faster", "both"):
            self.send(
                deployment, *(self.recording(deployment, permit, **answers, first_token=usual) for _ in range(60))
            )
        self.send(deployment, self.recording(deployment, permit, **answers, first_token=5 * usual))

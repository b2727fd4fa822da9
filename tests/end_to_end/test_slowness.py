"""A provider whose first tokens take three times the usual, as real workers see it: its begin and its end."""

import json
import re

import pytest

from config.settings import load
from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.test_incidents import has, problems
from tests.end_to_end.vendors import QUESTION, script
from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import MINUTE, SECOND, clocked
from worker.admission import breaker
from worker.admission.breaker import Attempted, snapshot
from worker.store.store import Store
from worker.telemetry.events import Event

USUAL, SLOW = 0.12, 0.36
LEARNED, MINUTES = 50, 12
AT_ONCE = 25


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {"FALLBACK_CHAINS__DEFAULT__PROVIDERS": '["claude"]', "FALLBACK_CHAINS__PAID__PROVIDERS": '["openai"]'}


def learn(setup: LocalSetup) -> None:
    """Records twelve minutes of answers, up to now; the scripts learn of them, and nobody waits."""
    settings = load(setup.environment)
    store = Store(settings.redis_url, settings.namespace, settings.providers, part=clocked())
    clock, began = f"{{{settings.namespace}}}:2:clock", round(1000 * setup.store.time()) - MINUTES * MINUTE
    for second in [*range(LEARNED + 5), *range(60, 60 * MINUTES, 60)]:
        store.run(("SET", clock, began + second * SECOND))
        reply = store.run(breaker.acquire(store, "", "", "", ["claude"]))[0]
        permit = breaker.parse_acquire_reply(reply, "", ["claude"]).permit
        assert permit
        answered = Attempted(permit, "success", 1000 * USUAL, first_token_ms=1000 * USUAL + second % 7)
        store.run(breaker.record(store, f"taught-{second}", "", "", answered, ()))
    store.run(("DEL", clock))
    store.close()


def ask(setup: LocalSetup, llmock: LLMock, seconds: float) -> None:
    """Asks many at once, each of whose first tokens comes after so long."""
    script(llmock, "claude", "slow_first_token", times=AT_ONCE, seconds=seconds)
    for result in [setup.complete(QUESTION) for _ in range(AT_ONCE)]:
        assert result.get(timeout=30)["fallback"]["provider"] == "claude"


def slowness(setup: LocalSetup) -> list[Event]:
    return [event for event in setup.events() if event["type"].startswith("slow-")]


def test_three_times_the_usual_is_told_with_both_figures_and_so_is_its_end(
    fallback: Fallback, shared_setup: LocalSetup, llmock: LLMock
) -> None:
    def is_slow() -> bool:
        return snapshot(shared_setup.store, ["claude"])[0].slow_since > 0

    learn(shared_setup)
    ask(shared_setup, llmock, USUAL)
    assert problems(fallback) == ["none"]

    wait_until(lambda: ask(shared_setup, llmock, SLOW) or is_slow(), 30)
    [began] = slowness(shared_setup)
    usual, now = float(began["usual_ms"]), float(began["first_token_ms"])
    assert (began["type"], usual == pytest.approx(1000 * USUAL, rel=0.2), now >= 2 * usual) == (
        "slow-began",
        True,
        True,
    )
    told = (
        r"^warning claude: slow: first token p50 0\.\d\d s, usual 0\.1\d since \d\d:\d\d UTC; see the vendor's status"
    )
    assert has(problems(fallback), told)
    [problem] = json.loads(fallback("status", "--json").stdout)["problems"]
    assert (problem["kind"], problem["since"]) == ("slow", int(began["at_ms"]) / 1000)
    ran = fallback("check", COLUMNS="200")
    assert (ran.returncode, bool(re.search("warning +claude: slow: ", ran.stdout))) == (0, True)

    wait_until(lambda: ask(shared_setup, llmock, USUAL) or not is_slow(), 30)
    [_, ended] = slowness(shared_setup)
    assert (ended["type"], ended["cause"], ended["since_ms"]) == ("slow-ended", "recovered", began["at_ms"])
    assert problems(fallback) == ["none"]

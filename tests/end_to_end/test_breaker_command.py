"""`fallback breaker`: what an operator's hand does to workers in other processes."""

import getpass
import re
import socket
import time

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, fail
from tests.waiting import wait_until
from worker.admission.breaker import snapshot

UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {"FALLBACK_BREAKER__COOLDOWN_PERIOD": "60"}


def ask(setup: LocalSetup) -> list[tuple[str, str]]:
    return attempts_of(setup.complete(QUESTION).get(timeout=30))


def test_a_provider_forced_open_is_asked_by_nobody(fallback: Fallback, shared_setup: LocalSetup) -> None:
    assert ask(shared_setup) == [("claude", "success")]
    ran = fallback("breaker", "open", "claude", "--for", "10m")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert re.fullmatch(rf"claude: forced open until {UTC}, 10m\n", ran.stdout)
    result = shared_setup.complete(QUESTION).get(timeout=30)
    assert attempts_of(result) == [("claude", "skipped"), ("llama_cpp", "success")]
    assert result["fallback"]["attempts"][0]["reason"] == "forced-open"


def test_an_operator_s_hand_ends_by_itself(fallback: Fallback, shared_setup: LocalSetup) -> None:
    assert fallback("breaker", "open", "claude", "--for", "1s").returncode == 0
    wait_until(lambda: ask(shared_setup) == [("claude", "success")])


def test_an_operator_s_hand_is_an_event_with_who_asked(fallback: Fallback, shared_setup: LocalSetup) -> None:
    before = time.time()
    fallback("breaker", "open", "claude", "--for", "1h", "--by", "the night shift")
    fallback("breaker", "close", "claude")
    fallback("breaker", "reset", "claude", "--by", "the day shift")
    opened, closed, reset = shared_setup.events()
    me = f"{getpass.getuser()}@{socket.gethostname()}"
    assert [(e["type"], e["provider"], e["by"]) for e in (opened, closed, reset)] == [
        ("circuit-breaker-forced-open", "claude", "the night shift"),
        ("circuit-breaker-forced-closed", "claude", me),
        ("circuit-breaker-reset", "claude", "the day shift"),
    ]
    assert before + 3600 < int(opened["until_ms"]) / 1000 < time.time() + 3600
    assert closed["until_ms"] == reset["until_ms"] == "0"


def test_a_provider_forced_closed_is_asked_whatever_comes_of_it(
    fallback: Fallback, shared_setup: LocalSetup, llmock: LLMock
) -> None:
    fail(llmock, "claude", 529)
    for _ in range(2):
        ask(shared_setup)
    assert ask(shared_setup) == [("claude", "skipped"), ("llama_cpp", "success")]
    ran = fallback("breaker", "close", "claude")
    assert (ran.returncode, ran.stdout) == (0, "claude: forced closed without end\n")
    assert [outcome for _, outcome in ask(shared_setup)] == ["overloaded"] * 4 + ["success"]
    assert ask(shared_setup)[0] == ("claude", "overloaded")
    llmock.reset()
    assert ask(shared_setup) == [("claude", "success")]


def test_a_reset_ends_a_lock_out_and_forgets_the_calls(
    fallback: Fallback, shared_setup: LocalSetup, llmock: LLMock
) -> None:
    fail(llmock, "claude", 401, times=1)
    assert ask(shared_setup)[0] == ("claude", "authentication")
    assert ask(shared_setup)[0] == ("claude", "skipped")
    ran = fallback("breaker", "reset", "claude")
    assert (ran.returncode, ran.stdout) == (0, "claude: closed; its state is cleared\n")
    [found] = snapshot(shared_setup.store, ["claude"])
    assert (found.auth_locked, found.error, found.count) == (False, "", 0)
    assert ask(shared_setup) == [("claude", "success")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("open", "nope"), "'nope' is not one of 'claude', 'llama_cpp', 'openai'"),
        (("open", "claude", "--for", "soon"), "'--for': 'soon' is no duration; write it as 90, 90s, 10m, 2h or 1d"),
        (("open", "claude", "--for", "-5"), "'--for': '-5' is no duration"),
        (("open", "claude", "--for", "1.5h"), "'--for': '1.5h' is no duration"),
        (("close", "claude", "--for", "0"), "'--for': '0' is not above 0 and at most 365d"),
        (("close", "claude", "--for", "366d"), "'--for': '366d' is not above 0 and at most 365d"),
        (("reset", "claude", "--for", "10m"), "No such option '--for'"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_done(
    fallback: Fallback, shared_setup: LocalSetup, arguments: tuple[str, ...], words: str
) -> None:
    ran = fallback("breaker", *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert words in ran.stderr
    assert shared_setup.events() == []

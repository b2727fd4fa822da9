"""Incidents that nobody answers with an error: a vendor that falls silent, and one worker's key that is refused."""

import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import load
from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback
from tests.end_to_end.failing_server import FailingServer, failing, openai
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.test_incidents import has, problems
from tests.end_to_end.test_silent_provider import learn
from tests.end_to_end.vendors import QUESTION, attempts_of, script
from tests.waiting import wait_until
from tests.worker.providers.bare_server import Bare, responds, streams
from worker.admission import breaker
from worker.diagnosis.problems import problems as diagnosed
from worker.health.health import probe
from worker.providers.credentials import fingerprint
from worker.store.store import Store
from worker.telemetry.workers import workers

SILENCE = 30.0
GOOD, BAD = "sk-good-0123456789", "sk-wrong-9876543210"
REFUSED = responds(
    b"401 Unauthorized", b'{"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key"}}'
)
ANSWER = streams(*openai("gpt", "Hello there", 3, 2))
LIST = responds(b"200 OK", b'{"data": []}')
LOCKED = "provider-auth-locked"


@pytest.fixture(scope="module")
def vendor() -> Iterator[FailingServer]:
    """A vendor of `openai` that refuses every key but one."""

    def answer(bare: Bare, sock: socket.socket) -> bool:
        request = bare.requests[-1]
        if f"Bearer {GOOD}\r\n".encode() not in request:
            return REFUSED(bare, sock)
        return (LIST if request.startswith(b"GET") else ANSWER)(bare, sock)

    with failing() as server:
        server.script(answer)
        yield server


@pytest.fixture(scope="module")
def shared_settings(vendor: FailingServer) -> Mapping[str, str]:
    return {
        "OPENAI_BASE_URL": f"{vendor.url}/v1",
        "OPENAI_API_KEY": GOOD,
        "FALLBACK_HEALTH__PROBE_INTERVAL": "1",
        "FALLBACK_PROVIDERS__CLAUDE__FIRST_TOKEN_TIMEOUT": str(SILENCE),
        "FALLBACK_PROVIDERS__CLAUDE__BREAKER__COOLDOWN_PERIOD": "5",
        "FALLBACK_CHAINS__ALONE__PROVIDERS": '["claude"]',
        "FALLBACK_CHAINS__PAID__PROVIDERS": '["openai", "llama_cpp"]',
    }


def problem(setup: LocalSetup, kind: str) -> Any:
    """Returns what is found of a kind; None where there is none."""
    found = diagnosed(load({**setup.environment}), setup.store)
    return next((each for each in found if each.kind == kind), None)


def state(store: Store, provider: str) -> breaker.Snapshot:
    return breaker.snapshot(store, [provider])[0]


def silence(setup: LocalSetup, llmock: LLMock, times: int) -> list[Any]:
    """Lets a vendor fall silent, and returns completions that ask it."""
    script(llmock, "claude", "delay", times=times, seconds=SILENCE)
    return [setup.complete(QUESTION) for _ in range(times)]


def answered(results: list[Any]) -> set[tuple[str, str]]:
    return {attempts_of(each.get(timeout=SILENCE))[-1] for each in results}


def test_a_silent_vendor_is_named_before_its_breaker_opens_and_until_it_recovers(
    fallback: Fallback, shared_setup: LocalSetup, llmock: LLMock
) -> None:
    learn(shared_setup)
    store, name = shared_setup.store, "provider-silent"
    began = store.time()
    silent = silence(shared_setup, llmock, 3)
    wait_until(lambda: problem(shared_setup, name))
    told = r"^warning claude: silent: [23] calls wait for far longer than usual, and nobody has had a token since "
    assert has(problems(fallback), rf"{told}\d\d:\d\d UTC; see the vendor's status page; its .* at 5 of them$")
    assert began - 1 < problem(shared_setup, name).since < store.time()
    assert answered(silent) == {("llama_cpp", "success")}

    silent = silence(shared_setup, llmock, 4)
    wait_until(lambda: state(store, "claude").state == "open")
    told = (
        r"^critical claude: silent \(no first token for far longer than usual\): breaker open, asked again in \ds since"
    )
    assert has(problems(fallback), rf"{told} .*, or sooner: fallback breaker reset claude$")
    [found] = [
        each for each in json.loads(fallback("status", "--json").stdout)["problems"] if each["subject"] == "claude"
    ]
    assert (found["kind"], found["severity"]) == (name, "critical")
    ran = fallback("check", COLUMNS="200")
    assert (ran.returncode, "critical claude: silent" in ran.stdout) == (0, True)
    assert answered(silent) == {("llama_cpp", "success")}

    def recovered() -> bool:
        assert shared_setup.complete(QUESTION).get(timeout=SILENCE)
        return state(store, "claude").state == "closed"

    wait_until(recovered, SILENCE)
    assert problem(shared_setup, name) is None


def test_a_key_that_is_wrong_on_one_worker_is_told_with_that_worker_s_name(
    fallback: Fallback, shared_setup: LocalSetup
) -> None:
    store, provider = shared_setup.store, load({**shared_setup.environment}).providers["openai"]
    second = shared_setup.start_worker("second", {"OPENAI_API_KEY": BAD})
    one, two = shared_setup.worker.hostname(), second.hostname()

    def locked() -> bool:
        assert shared_setup.complete(QUESTION, "paid").get(timeout=SILENCE)
        return state(store, "openai").auth_locked

    try:
        wait_until(locked)
        [worst, *others] = problems(fallback)
        assert has(
            [worst],
            rf"^critical openai: key refused \(401 invalid_api_key\): that of \w{{6}} on {two}; nobody asks it, nor do"
            rf" those with another key: \w{{6}} on {one} since \d\d:\d\d UTC; take it out of service: fallback drain"
            rf" {two}; give {two} the key of the others"
            r" \(OPENAI_API_KEY\), see \S+, and restart; a probe then clears the lock, or: fallback breaker reset o",
        )
        assert has(
            others, r"^warning openai: the workers have different keys \(.*\); the vendor refused \w{6}; give second@"
        )
        ran = fallback("check", COLUMNS="200")
        assert (ran.returncode, "critical openai: key refused" in ran.stdout) == (0, True)
        ran = fallback("check", COLUMNS="200", OPENAI_API_KEY=BAD)
        assert "provided.; 1 of 2 workers have another key, and know it as unhealthy" in ran.stdout
        [event] = [each for each in shared_setup.events() if each["type"] == LOCKED]
        refused = provider.model_copy(update={"api_key": SecretStr(BAD)})
        assert event["fingerprint"] == fingerprint(refused, store.keys.namespace)

        assert probe(store, provider, 1)
        assert problem(shared_setup, "key-refused") is None
        assert has(
            problems(fallback), r"^warning openai: the workers have different keys .*; the vendor refused \w{6}; give"
        )

        assert fallback("drain", two).returncode == fallback("breaker", "reset", "openai").returncode == 0
        results = [shared_setup.complete(QUESTION, "paid") for _ in range(20)]
        assert {attempts_of(each.get(timeout=SILENCE))[0] for each in results} == {("openai", "success")}
    finally:
        second.process.stop()
    assert [each.name for each in workers(store)] == [one]
    assert shared_setup.complete(QUESTION, "paid").get(timeout=SILENCE)["fallback"]["provider"] == "openai"
    assert problem(shared_setup, "key-differs") is None

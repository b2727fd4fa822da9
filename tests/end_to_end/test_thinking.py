"""Models that think before they speak: in pings, or in silence."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.end_to_end import failing_server
from tests.end_to_end.failing_server import FailingServer, failing
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of
from tests.waiting import wait_until
from tests.worker.providers.asking import PING
from tests.worker.providers.bare_server import END, HEAD, Bare, Talk, chunk, stalls
from worker.admission import breaker

PATIENCE = 0.5
"""Seconds of silence that are allowed before the first token; 30 by default."""
THOUGHT = 3 * PATIENCE
COOLDOWN = 1.0

PROVIDERS = """\
[providers.{name}]
dialect = "{dialect}"
base_url = "{url}"
connect_timeout = 0.2
first_token_timeout = {patience}
attempt_timeout = 20.0
models.default = {{ name = "m" {more} }}
[chains.{name}]
providers = ["{name}", "openai"]
"""


@pytest.fixture(scope="module")
def sockets() -> Iterator[dict[str, FailingServer]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(failing()) for name in ("pinging", "silent", "patient")}


@pytest.fixture(scope="module")
def shared_settings(tmp_path_factory: pytest.TempPathFactory, sockets: dict[str, FailingServer]) -> dict[str, str]:
    file = tmp_path_factory.mktemp("settings") / "fallback.toml"
    rows = [("pinging", "anthropic", "", ""), ("silent", "openai", "/v1", "")]
    rows.append(("patient", "openai", "/v1", f", first_token_timeout = {THOUGHT + 5}"))
    texts = [
        PROVIDERS.format(name=name, dialect=dialect, url=sockets[name].url + path, patience=PATIENCE, more=more)
        for name, dialect, path, more in rows
    ]
    file.write_text("".join(texts), "utf-8")
    return {"FALLBACK_CONFIG": str(file), "FALLBACK_BREAKER__COOLDOWN_PERIOD": str(COOLDOWN)}


def thinks(pings: bytes, *events: bytes) -> Talk:
    """Sends pings for a while, then the events."""

    def talk(bare: Bare, sock: Any) -> bool:
        sock.sendall(HEAD)
        begun = time.monotonic()
        while time.monotonic() < begun + THOUGHT and not bare.stop.wait(0.1):
            if pings:
                sock.sendall(chunk(pings))
        sock.sendall(b"".join(map(chunk, events)) + END)
        return True

    return talk


ANSWERS = {
    "pinging": thinks(PING, *failing_server.anthropic("m", "Forty-two.", 3, 2)),
    "patient": thinks(b"", *failing_server.openai("m", "Forty-two.", 3, 2)),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_long_thought_is_one_call_and_no_failure(
    shared_setup: LocalSetup, sockets: dict[str, FailingServer], name: str
) -> None:
    sockets[name].script(ANSWERS[name])
    before = len(sockets[name].requests)
    result = shared_setup.complete(QUESTION, name).get(timeout=30)
    assert attempts_of(result) == [(name, "success")]
    assert result["choices"][0]["message"]["content"] == "Forty-two."
    assert len(sockets[name].requests) == before + 1
    assert breaker.snapshot(shared_setup.store, [name])[0].failed == 0


def test_silence_of_a_model_that_is_not_said_to_reason_goes_on(
    shared_setup: LocalSetup, sockets: dict[str, FailingServer]
) -> None:
    sockets["silent"].script(stalls())
    result = shared_setup.complete(QUESTION, "silent").get(timeout=30)
    assert attempts_of(result) == [("silent", "timeout"), ("openai", "success")]
    assert 1000 * PATIENCE <= result["fallback"]["attempts"][0]["latency_ms"] < 1000 * THOUGHT


def test_a_half_open_breaker_is_closed_by_answers_that_were_thought_about(
    shared_setup: LocalSetup, sockets: dict[str, FailingServer]
) -> None:
    sockets["pinging"].script(failing_server.resets)
    pending = [shared_setup.complete(QUESTION, "pinging") for _ in range(6)]
    assert [each.get(timeout=30)["fallback"]["provider"] for each in pending] == ["openai"] * 6
    assert breaker.snapshot(shared_setup.store, ["pinging"])[0].state == "open"
    sockets["pinging"].script(ANSWERS["pinging"])
    for state in ("half-open", "closed"):
        wait_until(lambda: breaker.admissions(shared_setup.store, ["pinging"])["pinging"] == 0.0)
        result = shared_setup.complete(QUESTION, "pinging").get(timeout=30)
        assert attempts_of(result) == [("pinging", "success")]
        assert breaker.snapshot(shared_setup.store, ["pinging"])[0].state == state

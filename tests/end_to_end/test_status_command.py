"""`fallback status`: every state of a breaker, as a table, as JSON, once and again; with no worker about."""

import json
import math
import os
import pty
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.settings import load
from tasks.local import valkey as valkey_server
from tasks.local.fleet import Fleet
from tests.end_to_end.command_line import COMMAND, Ran, output, run, running
from tests.waiting import wait_until
from worker.admission import breaker
from worker.admission.breaker import Attempted
from worker.health import model_registry
from worker.health.health import health
from worker.providers.model_list import Listed, Listing
from worker.store.store import Store

SECRET = "sk-not-to-be-shown"
Status = Callable[..., Ran]

CONFIG = "\n".join(
    f"""
[providers.{name}]
dialect = "openai"
base_url = "http://127.0.0.1:1"
breaker = {{ cooldown_period = {cooldown} }}
models = {{ default = {{ name = "a-model" }}, fast = {{ name = "another" }} }}
"""
    for name, cooldown in (("a", 60), ("b", 0.001), ("c", 60), ("d", 60), ("e", 60), ("f", 60), ("g", 60))
)


@pytest.fixture
def environment(tmp_path: Path, clean_environment: dict[str, str], redis_url: str) -> dict[str, str]:
    """Settings with seven more providers, `a` to `g`; `claude` has a key, the other two of the defaults nothing."""
    config = tmp_path / "fallback.toml"
    config.write_text(CONFIG, encoding="utf-8")
    ours = {"REDIS_URL": redis_url, "FALLBACK_CONFIG": str(config), "ANTHROPIC_API_KEY": SECRET}
    return {**clean_environment, **ours, "COLUMNS": "80"}


@pytest.fixture
def status(tmp_path: Path, environment: dict[str, str]) -> Status:
    return lambda *arguments: run(tmp_path, environment, "status", *arguments)


def record(store: Store, provider: str, outcome: str, times: int = 1, **fields: Any) -> None:
    """Records attempts of one provider, each of another request."""
    for i in range(times):
        [reply] = store.run(breaker.acquire(store, "", "", "lease", [provider]))
        granted = breaker.parse_acquire_reply(reply, "", [provider])
        assert granted.permit
        failure = "" if outcome == "success" else f"{outcome} 500"
        attempt = Attempted(granted.permit, outcome, **{"latency_ms": 100, "failure": failure, **fields})
        store.run(breaker.record(store, f"task-{i}", "", "", attempt, []))


def probe(store: Store, provider: str, *, answered: bool) -> None:
    store.run(breaker.probed(store, provider, answered=answered, authenticated=answered))


def reach_every_state(store: Store) -> None:
    record(store, "claude", "success", 4, latency_ms=410)
    record(store, "claude", "success", 1, latency_ms=1200)
    probe(store, "claude", answered=True)
    record(store, "a", "failure", 5)
    record(store, "b", "failure", 5)
    ask_b = breaker.acquire(store, "", "", "x", ["b"])
    wait_until(lambda: breaker.parse_acquire_reply(store.run(ask_b)[0], "x", ["b"]).permit)
    record(store, "c", "rate-limited", retry_after_ms=240_000)
    record(store, "d", "authentication")
    breaker.control(store, "e", "open", by="test", seconds=600)
    probe(store, "g", answered=False)
    record(store, "f", "success")
    deprioritised_until = (
        1000 * int(store.run(("TIME",))[0][0]) + 240_000
    )  # its own 15 s may end while the command starts
    store.run(("HSET", store.keys.breaker("f"), "deprioritised_until", deprioritised_until))


def rows(table: str) -> dict[str, str]:
    """Returns the lines below the head by the providers' names, without those and with single blanks."""
    return {line.split()[0]: " ".join(line.split()[1:]) for line in table.splitlines()[1:]}


def test_each_state_is_a_line_of_80_columns_with_its_health(status: Status, store: Store) -> None:
    reach_every_state(store)
    ran = status()
    assert (ran.returncode, ran.stderr) == (0, "")
    table = ran.stdout.partition("problems")[0]
    assert max(map(len, table.splitlines())) <= 80
    shown = rows(table)
    assert shown["claude"] == "healthy closed 5/5 100% 0.41/1.2s - -"
    assert shown["openai"] == "unknown no API key - - - - -"
    assert shown["llama_cpp"] == "unknown no base URL - - - - -"
    starts = {
        "a": "unhealthy open, ",
        "b": "unhealthy half-open 0/5 - - failure 500 ",
        "c": "degraded rate limited 4m - - - rate-",
        "d": "unhealthy auth-locked - - - auth",
        "e": "healthy forced open 10m - - - - -",
        "f": "degraded deprioritised 4m 1/1 - 0.10/0.10s -",
        "g": "degraded closed, probes - 0% - - -",
    }
    assert {name: shown[name][: len(start)] for name, start in starts.items()} == starts


def test_a_slowness_is_shown_with_what_is_usual_and_since_when(status: Status, store: Store) -> None:
    record(store, "a", "success")
    means = ("latency_mean", round(1e6 * math.log(1100)), "usual_mean", round(1e6 * math.log(300)))
    store.run(("HSET", store.keys.breaker("a"), *means, "slow_since", 1_795_694_820_000))
    assert "a: first token p50 1.1 s, usual 0.30, since 2026-11-26T12:07:00Z" in status().stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "nothing is known of any provider yet"),
        (("--models",), "no provider has listed its models yet; a probe asks for them"),
    ],
)
def test_where_nothing_is_known_a_sentence_says_so(status: Status, options: tuple[str, ...], sentence: str) -> None:
    assert status(*options).stdout.partition("worker ")[0].splitlines()[-1].strip() == sentence


def test_json_has_every_figure_and_no_key(status: Status, store: Store) -> None:
    reach_every_state(store)
    store.run(*model_registry.update(store, "a", Listing((Listed("a-model-20261101", "deprecated", 1e9, 2e9),), True)))
    ran = status("--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert SECRET not in ran.stdout
    [line] = ran.stdout.splitlines()
    found = json.loads(line)
    by_name = {each["provider"]: each for each in found["providers"]}
    assert list(by_name) == [
        each.breaker.provider for each in health(store, list(load({}).providers) + list("abcdefg"))
    ]
    claude = by_name["claude"]
    assert (claude["status"], claude["cause"], claude["configured"], claude["missing"]) == ("healthy", "", True, None)
    assert claude["response"] == pytest.approx({"mean": 0.568, "p50": 0.41, "p95": 1.2, "p99": 1.2})
    assert (claude["success_rate"], claude["availability"], claude["probes"]) == (1.0, 1.0, 1)
    assert (
        claude["breaker"]["consecutive_successes"],
        claude["breaker"]["consecutive_failures"],
        claude["breaker"]["failed_probes"],
    ) == (5, 0, 0)
    assert (by_name["openai"]["configured"], by_name["openai"]["missing"]) == (False, "no API key")
    opened = by_name["a"]["breaker"]
    assert (opened["state"], opened["failed"], opened["error"]) == ("open", 5, "failure 500")
    assert opened["error_at"] <= found["time"] < opened["open_until"] <= found["time"] + 66
    assert (by_name["e"]["breaker"]["override"], by_name["d"]["cause"]) == ("open", "authentication")
    assert by_name["a"]["tiers"] == {
        "default": {"model": "a-model", "status": "available"},
        "fast": {"model": "another", "status": "missing"},
    }
    [model] = by_name["a"]["models"]
    assert model["first_seen"] == model["last_seen"] <= found["time"]
    assert (model["id"], model["status"], model["lifecycle"]) == ("a-model-20261101", "available", "deprecated")


def test_models_shows_what_is_listed_and_which_tier_uses_it(status: Status, store: Store) -> None:
    listed = (Listed("[red]"), Listed("a-model-20261101", "deprecated", None, 2e9))
    store.run(*model_registry.update(store, "a", Listing(listed, whole=True)))
    ran = status("--models")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "no provider has listed" not in ran.stdout
    lines = [re.sub(r"\d+s ago", "just now", " ".join(line.split())) for line in ran.stdout.splitlines()]
    assert [line for line in lines if line.startswith("a ")] == [
        "a another missing - - fast",
        "a a-model-20261101 available deprecated just now default",
        "a [red] available active just now",
    ]
    assert "b a-model unknown - - default" in lines


def test_watch_shows_what_changes_until_ctrl_c(tmp_path: Path, environment: dict[str, str], store: Store) -> None:
    with running(tmp_path, environment, "status", "--watch", "--interval", "1s") as process:
        wait_until(lambda: output(tmp_path).count("claude") >= 2)
        assert "forced" not in output(tmp_path)
        breaker.control(store, "claude", "open", by="test")
        wait_until(lambda: "forced open" in output(tmp_path))
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert "Aborted" not in output(tmp_path)
    assert "Traceback" not in output(tmp_path)


def test_watch_on_a_terminal_redraws_one_table(tmp_path: Path, environment: dict[str, str], store: Store) -> None:
    ours, theirs = pty.openpty()
    command = [*COMMAND, "status", "--watch", "--interval", "1s"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env={**environment, "TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    drawn = bytearray()
    reader = threading.Thread(target=read_all, args=(ours, drawn))
    reader.start()
    try:
        wait_until(lambda: drawn.count(b"claude") >= 2)
        breaker.control(store, "claude", "open", by="test")
        wait_until(lambda: b"forced open" in drawn)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait(10)
        reader.join(10)
        os.close(ours)
    up, show_cursor = b"\x1b[1A", b"\x1b[?25h"
    assert up in drawn
    assert drawn.rstrip().endswith(show_cursor)


def read_all(descriptor: int, into: bytearray) -> None:
    """Reads a terminal until the last process has left it."""
    try:
        while found := os.read(descriptor, 65_536):
            into += found
    except OSError:  # Linux ends a terminal with EIO
        return


def test_watch_as_json_outlives_redis(tmp_path: Path, fleet: Fleet, environment: dict[str, str]) -> None:
    server = valkey_server.start(fleet)
    ours = environment | server.environment

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in output(tmp_path).splitlines(keepends=True) if line.endswith("\n")]

    with running(tmp_path, ours, "status", "--watch", "--json", "--interval", "1s") as process:
        wait_until(lambda: [line for line in lines() if "providers" in line])
        server.process.kill()
        wait_until(lambda: "error" in lines()[-1])
        assert "no Redis at redis://127.0.0.1" in lines()[-1]["error"]
        server.process.start()
        wait_until(lambda: "providers" in lines()[-1])
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert all("time" in line for line in lines())

"""Incidents as an operator meets them: one command, `fallback status`, names each cause and its cure.

`check` says nothing false of them: 429 and 529 are neither the key nor the network, and it fails where a chain does.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping

import pytest

from tests.end_to_end.command_line import Fallback
from tests.end_to_end.failing_server import FailingServer, failing, openai
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION
from tests.tasks.transport.test_clock import LIBRARY, faked
from tests.waiting import wait_until
from tests.worker.providers.bare_server import Talk, responds, streams
from worker.admission import breaker
from worker.telemetry.workers import workers

RESET = "fallback breaker reset openai"


def says(status: bytes, code: str, message: str, *headers: bytes) -> Talk:
    """Answers with an error as OpenAI words it."""
    error = {"error": {"message": message, "type": code, "code": code}}
    return responds(status, json.dumps(error).encode(), *headers)


QUOTA = says(b"429 Too Many Requests", "insufficient_quota", "You exceeded your current quota.")
RATE = says(b"429 Too Many Requests", "rate_limit_exceeded", "Rate limit reached.", b"Retry-After: 240")
KEY = says(b"401 Unauthorized", "invalid_api_key", "Incorrect API key provided.")
OVERLOADED = says(b"529 Overloaded", "overloaded_error", "Overloaded")
ANSWER = streams(*openai("gpt", "Hello there", 3, 2))


@pytest.fixture(scope="module")
def vendor() -> Iterator[FailingServer]:
    with failing() as server:
        server.script(ANSWER)
        yield server


@pytest.fixture(scope="module")
def shared_settings(vendor: FailingServer) -> Mapping[str, str]:
    return {
        "OPENAI_BASE_URL": f"{vendor.url}/v1",
        "OPENAI_API_KEY": "sk-of-the-workers",
        "FALLBACK_BREAKER__COOLDOWN_PERIOD": "600",
        "FALLBACK_CHAINS__PAID__PROVIDERS": '["openai", "llama_cpp"]',
        "FALLBACK_CHAINS__ALONE__PROVIDERS": '["openai"]',
    }


def problems(fallback: Fallback, **variables: str) -> list[str]:
    """Returns the problems that one `fallback status` shows, whole lines though its terminal is narrow."""
    ran = fallback("status", **variables)
    assert (ran.returncode, ran.stderr) == (0, "")
    return [re.sub(r"\s+", " ", line.strip()) for line in ran.stdout.partition("\nproblems")[2].splitlines() if line]


def has(lines: list[str], pattern: str) -> bool:
    return any(re.search(pattern, line) for line in lines)


def checked(fallback: Fallback, **variables: str) -> str:
    """Returns what `fallback check` says of `openai`, where the chain that has nobody else cannot answer."""
    ran = fallback("check", COLUMNS="200", **variables)
    assert ran.returncode == 1
    assert "alone" in ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    return next(line for line in ran.stdout.splitlines() if line.startswith("openai "))


def ask(setup: LocalSetup, times: int = 1) -> None:
    for result in [setup.complete(QUESTION, "paid") for _ in range(times)]:
        assert result.get(timeout=30)["fallback"]["provider"] == "llama_cpp"


def test_all_is_well(fallback: Fallback, vendor: FailingServer) -> None:
    vendor.script(ANSWER)
    assert fallback("status").stdout.rstrip().endswith("problems   none")


def test_a_quota_that_is_used_up(fallback: Fallback, shared_setup: LocalSetup, vendor: FailingServer) -> None:
    vendor.script(QUOTA)
    ask(shared_setup)
    told = r"^critical openai: quota spent \(429 insufficient_quota\), asked again in \d+m since \d\d:\d\d UTC; "
    assert has(problems(fallback), f"{told}add credit, then: {RESET}$")
    assert "quota spent: 429 insufficient_quota: You exceeded" in checked(fallback)


def test_a_rate_limit(fallback: Fallback, shared_setup: LocalSetup, vendor: FailingServer) -> None:
    vendor.script(RATE)
    ask(shared_setup)
    found = problems(fallback)
    assert has(
        found, r"^warning openai: rate limited \(429 rate_limit_exceeded\), asked again in 4m since \d\d:\d\d UTC"
    )
    assert has(found, r"^critical chain alone: no provider can answer \(openai rate limited, 4m left\)")
    said = checked(fallback)
    assert "rate limited: 429 rate_limit_exceeded" in said
    assert "key" not in said


def test_a_key_that_is_refused_and_differs_between_workers(
    fallback: Fallback, shared_setup: LocalSetup, vendor: FailingServer
) -> None:
    vendor.script(KEY)
    ask(shared_setup)
    found = problems(fallback, OPENAI_API_KEY="sk-of-this-shell")
    assert has(
        found, r"^critical openai: key refused \(401 invalid_api_key\) since .*set a good key \(OPENAI_API_KEY\)"
    )
    assert has(found, r"^warning openai: this shell's key \(\w{6}\) is another than that of the workers \(\w{6}\)")
    assert "refuses the key: 401 invalid_api_key" in checked(fallback)
    second = shared_setup.start_worker("second", {"OPENAI_API_KEY": "sk-of-the-second", "ANTHROPIC_API_KEY": ""})
    found = problems(fallback)
    second.process.stop()
    assert has(found, r"^critical openai: key refused .*: that of \w{6} on shared@.* key: \w{6} on second@.* since")
    assert has(found, r"^warning openai: the workers have different keys \(\w{6} on .*; \w{6} on .*; the vendor refus")
    assert has(found, r"^warning claude: no API key on 1 of 2 workers; set ANTHROPIC_API_KEY there .*\(second@")
    assert "sk-of" not in "".join(found)


def test_a_key_that_only_the_workers_have(fallback: Fallback, shared_setup: LocalSetup, vendor: FailingServer) -> None:
    vendor.script(ANSWER)
    assert "no API key" not in fallback("status", OPENAI_API_KEY="").stdout
    ran = fallback("check", OPENAI_API_KEY="")
    assert ran.returncode == 0, ran.stderr
    said = " ".join(ran.stdout.split())
    assert "in this shell not configured: no API key (set OPENAI_API_KEY); 1 of 1 workers have it" in said


def test_a_key_of_this_shell_that_is_refused_says_nothing_of_the_workers(
    fallback: Fallback, shared_setup: LocalSetup, vendor: FailingServer
) -> None:
    vendor.script(KEY)
    ran = fallback("check", OPENAI_API_KEY="sk-of-this-shell", COLUMNS="200")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Incorrect API key provided.; the workers have another key, and know it as unknown" in ran.stdout


def test_a_full_redis(fallback: Fallback, shared_setup: LocalSetup, vendor: FailingServer) -> None:
    vendor.script(ANSWER)
    redis, process = shared_setup.store.redis, shared_setup.worker.process
    redis.config_set("maxmemory", 1_000_000)
    try:
        told = r"critical Redis is full \(\d\.\d of 1\.0 MB used\): .*raise maxmemory: redis-cli .* maxmemory \dmb"
        assert has(problems(fallback), told)
        ran = fallback("check")
        assert ran.returncode == 1
        assert "Traceback" not in ran.stdout + ran.stderr
        assert has(ran.stderr.splitlines(), "Redis is full .* raise maxmemory: ")
        for command in (("complete", "Hello"), ("drain", "shared")):
            assert (ran := fallback(*command)).returncode == 1
            assert re.match(r"Error: Redis is full .* raise maxmemory: .*\n$", ran.stderr)
        program = f"from tasks import complete\ntry:\n  complete.delay({QUESTION})\nexcept Exception as exc:\n"
        said = shared_setup.in_this_code_base(program + "  print(type(exc).__name__, exc)")
        assert re.match(r"RedisFull Redis is full \(\d\.\d of 1\.0 MB used\): nothing was queued; raise", said)
        wait_until(lambda: "redis-full used=" in process.output())
        redis.client_kill_filter(_type="normal", skipme=True)  # it has to bind its queue again
        wait_until(lambda: "Connection to broker lost" in process.output())
    finally:
        redis.config_set("maxmemory", 0)
    wait_until(lambda: "redis-takes-writes" in process.output())
    assert shared_setup.complete(QUESTION).get(timeout=30)["fallback"]["provider"] == "claude"
    log = process.output()
    assert (log.count("redis-full"), log.count("Traceback"), process.running) == (1, 0, True)


def test_a_worker_that_takes_nothing(fallback: Fallback, shared_setup: LocalSetup) -> None:
    control, name = shared_setup.app.control, shared_setup.worker.hostname()
    control.cancel_consumer("completions", destination=[name])
    try:
        wait_until(lambda: not next(iter(workers(shared_setup.store))).consuming)
        found = problems(fallback)
    finally:
        control.add_consumer("completions", destination=[name])
    assert has(found, rf"^critical no worker takes completions \({name}: told not to \(cancel_consumer\)\)")
    assert has(found, rf"^warning worker {name}: .*celery -A tasks control -d {name} add_consumer completions")
    wait_until(lambda: next(iter(workers(shared_setup.store))).consuming)


@pytest.mark.tools
@pytest.mark.skipif(not LIBRARY, reason="no libfaketime on this machine")
def test_a_worker_whose_clock_is_wrong(fallback: Fallback, shared_setup: LocalSetup) -> None:
    second = shared_setup.start_worker("second", {**faked(), "FAKETIME": "+1.5"})
    try:
        found = problems(fallback)
        events = [event for event in shared_setup.events() if event["type"] == "worker-clock-skewed"]
    finally:
        second.process.stop()
    name = second.hostname()
    assert has(
        found, rf"^warning worker {name}: its clock is 1\.\d s ahead of that of Redis; set the clock .*timedatectl"
    )
    assert [event["worker"] for event in events] == [name]


def test_a_provider_that_is_overloaded_and_with_it_a_whole_chain(
    fallback: Fallback, shared_setup: LocalSetup, vendor: FailingServer
) -> None:
    vendor.script(OVERLOADED)
    ask(shared_setup, 2)
    found = problems(fallback)
    assert has(found, rf"^critical openai: overloaded \(529\): breaker open, asked again in \d+m since .*{RESET}$")
    assert has(
        found, r"^critical chain alone: no provider can answer \(openai breaker open, \d+m left\), .* fail since"
    )
    said = checked(fallback)
    assert "reachable, overloaded: 529 overloaded_error" in said
    assert "not reachable" not in said


def test_a_provider_that_is_slow(fallback: Fallback, shared_setup: LocalSetup, vendor: FailingServer) -> None:
    vendor.script(ANSWER)
    assert shared_setup.complete(QUESTION, "alone").get(timeout=30)["fallback"]["provider"] == "openai"
    store = shared_setup.store
    means = ("latency_mean", round(1e6 * math.log(1100)), "usual_mean", round(1e6 * math.log(300)))
    at = int(store.run(("TIME",))[0][0]) // 60 * 60_000
    store.run(("HSET", store.keys.breaker("openai"), *means, "slow_since", at))
    slow = r"^warning openai: slow: first token p50 1\.1 s, usual 0\.30 since \d\d:\d\d UTC; .* another provider first"
    assert has(problems(fallback), slow)


def test_a_breaker_that_somebody_forced_open(
    fallback: Fallback, shared_setup: LocalSetup, vendor: FailingServer
) -> None:
    vendor.script(ANSWER)
    breaker.control(shared_setup.store, "openai", "open", by="alice@ops", seconds=600)
    found = problems(fallback)
    assert has(found, rf"^warning openai: breaker forced open by alice@ops, 10m left: .* since .*; when done: {RESET}$")
    assert has(found, rf"^critical chain alone: .*\(openai forced open, 10m left\).*end the override: {RESET}$")
    assert "answers in" in checked(fallback)  # the provider does, the chain does not


def test_a_provider_that_is_gone(fallback: Fallback, shared_setup: LocalSetup) -> None:
    nobody = {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    assert "not reachable: connection: Connection refused" in checked(fallback, **nobody)


def test_json_has_the_problems_and_the_workers(fallback: Fallback, shared_setup: LocalSetup) -> None:
    report = json.loads(fallback("status", "--json").stdout)
    assert report["problems"] == []
    [worker] = report["workers"]
    assert (worker["name"], worker["consuming"], worker["alive"]) == (shared_setup.worker.hostname(), True, True)
    assert set(worker) >= {"version", "reason", "clock_offset", "slots", "used", "last_task_at", "keys", "missing"}

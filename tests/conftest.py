"""Real servers for the tests: each starts once, when a test first asks for it, and ends with the session."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from redis import Redis

from tasks.local import llama as llama_cpp
from tasks.local import llmock as simulated
from tasks.local import valkey as valkey_server
from tasks.local.fleet import Fleet
from tasks.local.llama import Llama
from tasks.local.llmock import LLMock
from tasks.local.valkey import Valkey
from tests import second_server

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a shell's background job, which hands that down: no command under test would hear a Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("any machine", deadline=None)  # a busy one takes longer for the same example
hypothesis.settings.load_profile("any machine")

_OTHERS = ("REDIS_URL", "COLUMNS")
_OURS = ("FALLBACK_", "ANTHROPIC_", "OPENAI_", "LLAMA_CPP_", "CELERY_", "FLOWER_", "OTEL_")


_LONG = (
    "tests/chaos/",
    "tests/end_to_end/examples/test_operations.py",
    "tests/end_to_end/test_acl.py",
    "tests/end_to_end/test_alerts.py",
    "tests/end_to_end/test_breaker_command.py",
    "tests/end_to_end/test_budgets.py",
    "tests/end_to_end/test_bulkheads.py",
    "tests/end_to_end/test_check_warnings.py",
    "tests/end_to_end/test_chosen_ids.py",
    "tests/end_to_end/test_compose.py",
    "tests/end_to_end/test_dead_letters.py",
    "tests/end_to_end/test_deadlines.py",
    "tests/end_to_end/test_drain_command.py",
    "tests/end_to_end/test_five_vendors.py::test_each_gets_what_it_gave_and_nothing_of_the_others[every order]",
    "tests/end_to_end/test_incidents.py",
    "tests/end_to_end/test_incidents_in_flight.py",
    "tests/end_to_end/test_key_files.py",
    "tests/end_to_end/test_killed_workers.py",
    "tests/end_to_end/test_max_crashes.py",
    "tests/end_to_end/test_metrics.py",
    "tests/end_to_end/test_probes.py",
    "tests/end_to_end/test_producers_clock.py",
    "tests/end_to_end/test_prompt_cache.py",
    "tests/end_to_end/test_redis_full.py",
    "tests/end_to_end/test_reused_ids.py",
    "tests/end_to_end/test_scheduled.py",
    "tests/end_to_end/test_scheduled_kills.py",
    "tests/end_to_end/test_secrets.py",
    "tests/end_to_end/test_sentinel.py",
    "tests/end_to_end/test_shutdown.py",
    "tests/end_to_end/test_silent_provider.py",
    "tests/end_to_end/test_slowness.py",
    "tests/end_to_end/test_smoke.py",
    "tests/end_to_end/test_status_command.py",
    "tests/end_to_end/test_thinking.py",
    "tests/end_to_end/test_waterfall.py",
    "tests/end_to_end/test_whole_machine.py",
    "tests/end_to_end/test_without_tracking.py",
    "tests/end_to_end/test_worker_log.py",
    "tests/end_to_end/test_workers_by_name.py",
    "tests/end_to_end/traces/",
    "tests/fuzz/",
    "tests/tasks/flower/pages/test_pages.py",
    "tests/tasks/local/test_guardian.py",
    "tests/tasks/transport/test_losses.py",
    "tests/tasks/transport/test_workers.py",
    "tests/wild/test_clients.py",
    "tests/wild/test_fuzz.py",
    "tests/worker/alerts/test_outage.py",
    "tests/worker/admission/test_breaker_machine.py",
    "tests/worker/admission/test_breaker_mutants.py",
    "tests/worker/admission/test_breaker_trace.py",
    "tests/worker/admission/test_hazards_of_silence.py",
    "tests/worker/admission/test_limits_machine.py",
    "tests/worker/admission/test_score_machine.py",
    "tests/worker/providers/test_llama_cpp_cases.py",
    "tests/worker/telemetry/test_following.py::test_it_goes_on_after_an_outage",
)
"""Folders, files and tests that take most of their time in starting, killing and waiting, or in many cases."""

_LONGEST = "tests/worker/admission/test_breaker_machine.py"
"""The test that takes longest. It comes first: at the end the other processes would wait for it."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves what is not long out of the tier `long`: each of its processes would import all of it, for ten seconds."""
    if config.option.markexpr != "long" or collection_path.is_dir():
        return None
    path = collection_path.relative_to(config.rootpath).as_posix()
    return None if path.startswith(_LONG) or any(each.startswith(f"{path}::") for each in _LONG) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts into one tier each what runs on the second server, and what is long; see pyproject.toml."""
    for item in items:
        call = getattr(item, "callspec", None)
        if "redis_server" in getattr(item, "fixturenames", ()) or (call and "redis_server" in call.params.values()):
            item.add_marker(pytest.mark.second_server)
        elif item.nodeid.startswith(_LONG) and not item.get_closest_marker("tools"):
            item.add_marker(pytest.mark.long)
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests recorded as `counted`: what they print themselves is lost where pytest-xdist runs them."""
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for name, value in report.user_properties:
            if name == "counted" and report.when == "call":
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(str(value))


@pytest.fixture(scope="session")
def clean_environment() -> dict[str, str]:
    """This process's environment without what configures Fallback: a developer's keys stay out of the tests."""
    return {key: value for key, value in os.environ.items() if key not in _OTHERS and not key.startswith(_OURS)}


@pytest.fixture(scope="session")
def session_fleet(tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str]) -> Iterator[Fleet]:
    """The servers that all tests share."""
    with Fleet(tmp_path_factory.mktemp("servers"), clean_environment) as fleet:
        yield fleet


@pytest.fixture
def fleet(tmp_path: Path, clean_environment: dict[str, str]) -> Iterator[Fleet]:
    """A fleet of the test's own, for what it stops, kills or starts again."""
    with Fleet(tmp_path / "run", clean_environment) as fleet:
        yield fleet


@pytest.fixture(scope="session")
def valkey(session_fleet: Fleet) -> Valkey:
    """The shared Valkey; a test that stops or kills its server starts one in its own `fleet`."""
    return valkey_server.start(session_fleet)


@pytest.fixture
def own_server(fleet: Fleet) -> Iterator[Valkey]:
    """A Valkey of the test's own, to hang or to kill."""
    server = valkey_server.start(fleet)
    yield server
    server.process.signal(signal.SIGCONT)


@pytest.fixture(scope="session")
def redis_binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second server's program."""
    binary = second_server.binary(tmp_path_factory.mktemp("binary"))
    if binary is None:
        pytest.skip(second_server.REASON)
    return binary


@pytest.fixture(scope="session")
def redis_server(session_fleet: Fleet, redis_binary: Path) -> Valkey:
    """The shared Redis."""
    return valkey_server.start(session_fleet, binary=redis_binary, name="redis-server")


@pytest.fixture
def redis(valkey: Valkey) -> Iterator[Redis]:
    """A client of the shared Valkey, whose databases are empty."""
    yield from _emptied(valkey)


@pytest.fixture(params=["valkey", "redis_server"])
def every_redis(request: pytest.FixtureRequest) -> Iterator[Redis]:
    """A client of Valkey, and in its tier of Redis: the test runs once on each, with empty databases."""
    yield from _emptied(request.getfixturevalue(request.param))


@pytest.fixture
def redis_url(redis: Redis, valkey: Valkey) -> str:
    """The URL of the shared Valkey, whose databases are empty."""
    return valkey.url


@pytest.fixture(scope="session")
def shared_llmock(session_fleet: Fleet) -> LLMock:
    """The shared LLMock; take `llmock` instead."""
    return simulated.start(session_fleet)


@pytest.fixture
def llmock(shared_llmock: LLMock) -> LLMock:
    """Simulated vendors without a script and with an empty journal."""
    shared_llmock.reset()
    return shared_llmock


@pytest.fixture(scope="session")
def llama(session_fleet: Fleet) -> Llama:
    """A real llama.cpp with SmolLM2."""
    return llama_cpp.start(session_fleet, alias="smollm2", key="sesame")


def _emptied(server: Valkey) -> Iterator[Redis]:
    with Redis.from_url(server.url, decode_responses=True) as client:
        client.flushall()
        yield client

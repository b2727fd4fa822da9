"""follow_events and breaker_by_hand, run as their heads say, and the page that lists all examples."""

import base64
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from redis import Redis

from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.process import Process
from tasks.local.readiness import writes
from tests.end_to_end.command_line import Ran
from tests.end_to_end.examples.running import EXAMPLES, run
from tests.end_to_end.examples.webhook import Webhook, serving
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, fail
from tests.waiting import wait_until
from worker.admission.breaker import control


def test_the_readme_lists_every_example_and_each_file_says_what_it_shows() -> None:
    listed = re.findall(r"^\| \[(\S+)\]\((\S+)\) \|", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)
    assert {name for name, _ in listed} == {path.name for path in EXAMPLES.iterdir()} - {"README.md"}
    for _, file in listed:
        assert "run" in (EXAMPLES / file).read_text("utf-8")[:2500].lower()


# follow_events


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with serving() as webhook:
        yield webhook


def following(fleet: Fleet, environment: Mapping[str, str], webhook: Webhook, state: Path, *options: str) -> Process:
    command = [sys.executable, "follow.py", "--webhook", webhook.url, "--state", str(state), *options]
    return fleet.start(
        f"follow-{len(fleet.processes)}",
        command,
        ready=lambda _: state.exists(),
        environment=environment,
        cwd=EXAMPLES / "follow_events",
    )


def test_the_follower_goes_on_where_it_stopped(
    fleet: Fleet, variables: dict[str, str], shared_setup: LocalSetup, webhook: Webhook, tmp_path: Path
) -> None:
    store, state = shared_setup.store, tmp_path / "follow.id"
    control(store, "claude", "open", by="before the first start")
    process = following(fleet, variables, webhook, state)
    control(store, "claude", "reset", by="the day shift")
    wait_until(webhook.accepted)
    wait_until(lambda: state.read_text("utf-8") == webhook.posted[0][1]["id"])
    process.kill()
    control(store, "openai", "open", by="while it was down")
    process = following(fleet, variables, webhook, state)
    control(store, "openai", "closed", by="after the restart")
    wait_until(lambda: len(webhook.posted) == 3)
    assert webhook.accepted() == [
        ("circuit-breaker-reset", "claude"),
        ("circuit-breaker-forced-open", "openai"),
        ("circuit-breaker-forced-closed", "openai"),
    ]
    assert webhook.posted[0][1]["text"] == "claude: circuit-breaker-reset the day shift"
    assert webhook.url not in process.output()


def test_the_follower_posts_what_opened_a_breaker_and_no_single_failure(
    fleet: Fleet, variables: dict[str, str], shared_setup: LocalSetup, webhook: Webhook, tmp_path: Path, llmock: LLMock
) -> None:
    fail(llmock, "claude", 402)
    shared_setup.complete(QUESTION).get(timeout=30)
    assert "request-failure" in {event["type"] for event in shared_setup.events()}
    following(fleet, variables, webhook, tmp_path / "follow.id", "--from-start")
    wait_until(lambda: ("provider-unhealthy", "claude") in webhook.accepted())
    assert set(webhook.accepted()) == {("circuit-breaker-open", "claude"), ("provider-unhealthy", "claude")}


def test_the_follower_posts_again_until_the_webhook_accepts(
    fleet: Fleet, variables: dict[str, str], shared_setup: LocalSetup, webhook: Webhook, tmp_path: Path
) -> None:
    webhook.status = 503
    control(shared_setup.store, "claude", "open", by="test")
    following(fleet, variables, webhook, tmp_path / "follow.id", "--from-start")
    wait_until(lambda: webhook.posted)
    assert webhook.accepted() == []
    webhook.status = 204
    wait_until(webhook.accepted)
    assert [body["id"] for _, body in webhook.posted] == [webhook.posted[0][1]["id"]] * len(webhook.posted)


# task_per_event


def test_the_bridge_queues_a_task_for_each_event_and_goes_on_where_it_stopped(
    fleet: Fleet, operator: dict[str, str], shared_setup: LocalSetup, tmp_path: Path
) -> None:
    store, state, broker = shared_setup.store, tmp_path / "bridge.id", operator["REDIS_URL"].replace("/0", "/1")
    command = [sys.executable, "bridge.py", "--broker", broker, "--task", "shop.on_fleet_event", "--state", str(state)]

    def bridge() -> Process:
        options = {"environment": operator, "cwd": EXAMPLES / "task_per_event"}
        return fleet.start(f"bridge-{len(fleet.processes)}", command, ready=writes("following"), **options)

    with Redis.from_url(broker, decode_responses=True) as shop:
        process = bridge()
        control(store, "claude", "open", by="the day shift")
        wait_until(lambda: shop.llen("fleet-events") == 1 and state.exists())
        process.kill()
        control(store, "openai", "open", by="while it was down")
        process = bridge()
        wait_until(lambda: shop.llen("fleet-events") == 2)
        process.stop()
        messages = [json.loads(each) for each in reversed(shop.lrange("fleet-events", 0, -1))]
    assert [message["headers"]["task"] for message in messages] == ["shop.on_fleet_event"] * 2
    events = [json.loads(base64.b64decode(message["body"]))[0][0] for message in messages]
    assert [(event["type"], event["by"]) for event in events] == [
        ("circuit-breaker-forced-open", "the day shift"),
        ("circuit-breaker-forced-open", "while it was down"),
    ]


# breaker_by_hand


def maintain(environment: Mapping[str, str], *arguments: str) -> Ran:
    return run("breaker_by_hand", environment, "sh", "maintenance.sh", *arguments)


def test_the_maintenance_script_keeps_a_provider_out_while_it_works(
    operator: dict[str, str], shared_setup: LocalSetup
) -> None:
    ran = maintain(operator, "claude", "10m", "fallback", "complete", "Say hello.")
    assert ran.returncode == 0, ran.stderr
    assert re.match(r"claude: forced open until \S+, 10m\n", ran.stdout)
    assert re.search(r"^  claude \| .*skipped \| forced-open$", ran.stderr, re.MULTILINE)
    assert [event["type"] for event in shared_setup.events()][-1] == "circuit-breaker-reset"
    assert attempts_of(shared_setup.complete(QUESTION).get(timeout=30)) == [("claude", "success")]


def test_the_maintenance_script_leaves_a_provider_out_when_its_command_fails(
    operator: dict[str, str], shared_setup: LocalSetup
) -> None:
    ran = maintain(operator, "claude", "10m", "false")
    assert ran.returncode == 1
    assert "the command failed; claude stays out for 10m" in ran.stderr
    assert attempts_of(shared_setup.complete(QUESTION).get(timeout=30))[0] == ("claude", "skipped")


def test_the_maintenance_script_runs_no_command_for_a_provider_that_is_not_there(
    operator: dict[str, str], shared_setup: LocalSetup
) -> None:
    ran = maintain(operator, "nope", "10m", "echo", "it ran")
    assert ran.returncode != 0
    assert "it ran" not in ran.stdout
    assert shared_setup.events() == []

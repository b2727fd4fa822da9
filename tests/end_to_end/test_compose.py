"""Dockerfile and docker-compose.yml: valid, closed, and each service's command does its part as a process."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from config.settings import load
from tasks.local import valkey
from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.ports import free_port
from tasks.local.readiness import http_answers, writes
from tests.end_to_end.command_line import run
from tests.end_to_end.composed import BIN, SECRETS, Machine, compose
from tests.waiting import wait_until

Services = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def composed(clean_environment: dict[str, str]) -> dict[str, Any]:
    text = compose({**clean_environment, **SECRETS}, "--profile", "local", "config", "--format", "json")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture(scope="module")
def services(composed: dict[str, Any]) -> Services:
    found: Services = composed["services"]
    return found


def test_compose_takes_the_file_with_what_the_example_sets(clean_environment: dict[str, str]) -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    set_there = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert set(set_there) == set(SECRETS)
    compose({**clean_environment, **set_there}, "config", "--quiet")


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    linted = subprocess.run([BIN / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_no_secret_stands_in_what_compose_makes_of_the_file(composed: dict[str, Any]) -> None:
    text = json.dumps(composed)
    assert [name for name, secret in SECRETS.items() if secret in text] == []


def test_flower_alone_is_published_and_on_this_machine_alone(services: Services) -> None:
    published = {
        name: [port["host_ip"] for port in service["ports"]]
        for name, service in services.items()
        if service.get("ports")
    }
    assert published == {"flower": ["127.0.0.1"]}


def test_a_worker_has_time_for_one_attempt_when_it_is_stopped(services: Services) -> None:
    minutes, seconds = services["worker"]["stop_grace_period"].removesuffix("s").split("m")
    longest = max(each.connect_timeout + each.longest_attempt for each in load({}).providers.values())
    assert longest < 60 * int(minutes) + int(seconds) < longest + 60


def test_the_model_on_this_machine_is_in_a_profile_of_its_own(services: Services) -> None:
    assert {name for name, service in services.items() if service.get("profiles")} == {"llama"}


def test_only_the_packages_go_into_the_image() -> None:
    kept = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    assert kept == ["!pyproject.toml", "!README.md", "!LICENSE", "!config", "!worker", "!tasks"]


@pytest.fixture
def machine(fleet: Fleet, llmock: LLMock) -> Machine:
    """This machine, with a Valkey in the place of the image's Redis."""
    port, flower_port, secrets, data = free_port(), free_port(), fleet.folder / "secrets", fleet.folder / "data"
    for folder in (secrets, data, fleet.folder / "bin"):
        folder.mkdir()
    for name, secret in SECRETS.items():
        (secrets / name.lower()).write_text(secret, encoding="utf-8")
    (fleet.folder / "bin" / "redis-server").symlink_to(valkey.packaged_binary())
    vendors = {name: url for name, url in llmock.environment.items() if name.endswith("_BASE_URL")}
    path = os.pathsep.join([str(fleet.folder / "bin"), str(BIN), os.environ["PATH"]])
    fleet.environment |= vendors | {
        "PATH": path,
        "FLOWER_PORT": str(flower_port),
        "FALLBACK_HEALTH__PROBE_INTERVAL": "1",
    }
    return Machine(
        fleet,
        {
            "/run/secrets": str(secrets),
            "redis://redis:6379": f"redis://127.0.0.1:{port}",
            "--dir /data": f"--dir {data} --port {port} --bind 127.0.0.1",
            "redis-cli": f"redis-cli -p {port}",
            "5555": str(flower_port),
        },
    )


def test_the_services_commands_answer_a_completion_and_their_healthchecks_tell(
    machine: Machine, services: Services, tmp_path: Path
) -> None:
    flower_port = int(machine.places["5555"])
    started = {
        "redis": machine.start("redis", services["redis"], writes("Ready to accept connections")),
        "worker": machine.start("worker", services["worker"], writes(" ready.")),
        "scheduler": machine.start("scheduler", services["scheduler"], writes(" ready.")),
        "flower": machine.start("flower", services["flower"], http_answers(flower_port, "/healthcheck")),
    }
    environment = machine.fleet.environment | machine.environment(services["worker"])
    answered = run(tmp_path, environment, "complete", "Say hello.")
    assert answered.returncode == 0, answered.stderr
    with Redis.from_url(machine.here("redis://redis:6379"), password=SECRETS["REDIS_PASSWORD"]) as redis:
        memory = redis.info("memory")
    assert (memory["maxmemory"], memory["maxmemory_policy"]) == (1024**3, "noeviction")
    wait_until(lambda: '"availability": 1.0' in run(tmp_path, environment, "status", "--json").stdout)
    assert httpx.get(f"http://127.0.0.1:{flower_port}/workers", trust_env=False).status_code == 401
    for name in started.keys() - {"redis"}:
        wait_until(lambda name=name: machine.healthy(name, services[name]))  # type: ignore[misc]
    started["worker"].stop()
    os.utime(machine.alive("worker"), (0, 0))
    assert not machine.healthy("worker", services["worker"])


@pytest.mark.tools
def test_the_healthcheck_of_redis_tells_whether_it_answers(machine: Machine, services: Services) -> None:
    redis = machine.start("redis", services["redis"], writes("Ready to accept connections"))
    assert machine.healthy("redis", services["redis"])
    redis.kill()
    assert not machine.healthy("redis", services["redis"])


def test_the_memory_of_redis_is_a_variable(clean_environment: dict[str, str]) -> None:
    text = compose({**clean_environment, **SECRETS, "REDIS_MAXMEMORY": "300mb"}, "config")
    assert "--maxmemory 300mb --maxmemory-policy noeviction" in text

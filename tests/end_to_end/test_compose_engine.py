"""The whole of docker-compose.yml, brought up on a Docker engine where one answers.

COMPOSE_PYTHON_IMAGE and COMPOSE_REDIS_IMAGE name other images than the files do, for an engine without a registry.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasks.local.celery_nodes import ROOT
from tasks.local.ports import free_port
from tests.end_to_end.composed import SECRETS, compose

PROJECT = "fallback-test"
VENDORS = "http://vendors:8000"
SIMULATED = f"FROM {PROJECT}\nUSER root\nRUN /venv/bin/pip install llmock==0.2.2\nUSER 10001\n"
UP_WITHIN = 600.0

Compose = Callable[..., str]


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=60, check=False)


def no_engine() -> str:
    """Returns why no engine can be used, empty where one answers."""
    try:
        asked = docker("info", "--format", "{{.ServerVersion}}")
    except OSError:
        return "no docker on this machine"
    return "" if asked.returncode == 0 and asked.stdout.strip() else "no Docker engine answers"


def overrides(folder: Path, port: int) -> str:
    """Returns what differs from the file: names, a free port, LLMock as the vendors, images where they are named."""
    python, redis = os.environ.get("COMPOSE_PYTHON_IMAGE"), os.environ.get("COMPOSE_REDIS_IMAGE")
    base = {"args": {"PYTHON_IMAGE": python}} if python else {}
    build = {"build": {"context": str(ROOT), "network": "host", **base}, "image": PROJECT}
    vendors = {"ANTHROPIC_BASE_URL": f"{VENDORS}/anthropic", "OPENAI_BASE_URL": f"{VENDORS}/v1"}
    ours: dict[str, Any] = {name: {**build, "environment": vendors} for name in ("worker", "scheduler", "flower")}
    ours["vendors"] = {
        "build": {"context": str(folder), "network": "host"},
        "command": "llmock serve --host 0.0.0.0 --port 8000",
        "healthcheck": {"disable": True},
    }
    ours["redis"] = {"image": redis} if redis else {}
    text = json.dumps({"services": ours})  # JSON is YAML
    return text.replace('"flower": {', f'"flower": {{"ports": !override ["127.0.0.1:{port}:5555"], ')


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Compose]:
    """Compose, for a project that is up and healthy."""
    if reason := no_engine():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("compose")
    override = folder / "override.yml"
    override.write_text(overrides(folder, port), encoding="utf-8")
    (folder / "Dockerfile").write_text(SIMULATED, encoding="utf-8")
    environment = {**os.environ, **SECRETS, "DOCKER_BUILDKIT": "0"}
    files = ["-p", PROJECT, "-f", "docker-compose.yml", "-f", str(override)]

    def run(*arguments: str) -> str:
        return compose(environment, *files, *arguments, within=UP_WITHIN)

    try:
        run("build", "worker")
        run("build", "vendors")  # on top of it
        run("up", "--detach", "--wait", "--wait-timeout", "240", "--scale", "worker=2")
        yield run
    finally:
        run("down", "--volumes", "--timeout", "20", "--rmi", "local")
        docker("rmi", PROJECT)  # named, so not "local"


pytestmark = pytest.mark.timeout(UP_WITHIN + 300)


def test_a_completion_is_answered(up: Compose) -> None:
    assert up("exec", "-T", "worker", "fallback", "complete", "Say hello.").strip()


def test_every_service_is_healthy(up: Compose) -> None:
    lines = [json.loads(line) for line in up("ps", "--format", "json").splitlines()]
    found = sorted((line["Service"], line["Health"]) for line in lines if line["Service"] != "vendors")
    healthy = ["flower", "redis", "scheduler", "worker", "worker"]
    assert found == [(name, "healthy") for name in healthy]


def test_the_probes_are_answered(up: Compose) -> None:
    assert '"availability": 1.0' in up("exec", "-T", "scheduler", "fallback", "status", "--json")


@pytest.mark.usefixtures("up")
def test_flower_asks_for_the_password(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as flower:
        assert flower.get("/workers").status_code == 401
        assert flower.get("/workers", auth=tuple(SECRETS["FLOWER_BASIC_AUTH"].split(":"))).status_code == 200  # type: ignore[arg-type]


def test_nothing_runs_as_root(up: Compose) -> None:
    users = {name: up("exec", "-T", name, "id", "-u").strip() for name in ("worker", "scheduler", "flower", "redis")}
    assert "0" not in users.values()


def test_no_secret_stands_in_a_layer_or_in_what_inspect_shows(up: Compose) -> None:
    shown = docker("history", "--no-trunc", PROJECT).stdout + docker("inspect", PROJECT).stdout
    shown += docker("inspect", *up("ps", "--quiet").split()).stdout
    assert [name for name, secret in SECRETS.items() if secret in shown] == []

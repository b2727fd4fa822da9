"""The ACL of docs/how-to/deploy.md: the whole fleet does its work with it, over TLS too, and it allows nothing else."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from celery import Celery
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from tasks.local import celery_nodes, commands, valkey
from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.ports import free_port
from tasks.local.readiness import writes
from tests.certificates import issued
from tests.end_to_end.command_line import run
from tests.end_to_end.conftest import QUICK
from tests.end_to_end.vendors import QUESTION, fail
from tests.waiting import wait_until
from tests.worker.alerts.receiving import SECRET

PAGE = ROOT / "docs" / "how-to" / "deploy.md"
ACL = re.search(r"^```acl\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
assert ACL is not None
ALERTS = {"FALLBACK_ALERTS__OPS__URL_ENV": "OPS_URL", "FALLBACK_ALERTS__OPS__SECRET_ENV": "OPS_SECRET"}
ALERTS |= {"OPS_URL": "http://127.0.0.1:9/", "OPS_SECRET": SECRET}
FOLLOW = "from tasks import follow; print(next(follow('-')).id)"
ADMIN = "user admin on >admin-password ~* &* +@all\n"
PRODUCE = f"import json; from tasks import complete; print(json.dumps(complete.delay({QUESTION!r}).get(timeout=60)))"
WAIT = """
[chains.patient]
providers = ["openai"]
when_exhausted = "wait"
retry = { max_retries = 0 }
[providers.openai.breaker]
failure_threshold = 1
"""


@dataclass(frozen=True)
class Server:
    """A server that has the ACL."""

    scheme: str
    port: int
    options: str = ""

    def url(self, user: str) -> str:
        return f"{self.scheme}://{user}:{user}-password@127.0.0.1:{self.port}/0{self.options}"

    def client(self, user: str) -> Redis:
        return Redis.from_url(self.url(user), decode_responses=True)


def plain(fleet: Fleet) -> Server:
    """Starts a Valkey."""
    return started(fleet, Server("redis", free_port()), str(valkey.packaged_binary()), {})


def secured(fleet: Fleet) -> Server:
    """Starts Debian's Redis 7, which speaks TLS alone: the servers that come in packages have none."""
    made = issued(fleet.folder, "127.0.0.1")
    server = Server("rediss", free_port(), f"?ssl_cert_reqs=required&ssl_ca_certs={made.authority}")
    tls = {"tls-port": str(server.port), "tls-cert-file": str(made.chain), "tls-key-file": str(made.key)}
    settings = {"port": "0", "tls-auth-clients": "no", **tls}
    return started(fleet, server, "redis-server", settings, since="7.0")


def started(fleet: Fleet, server: Server, binary: str, settings: dict[str, str], since: str = "7.2") -> Server:
    assert ACL is not None
    users = fleet.folder / "users.acl"
    acl = ACL[1] if since >= "7.2" else ACL[1].replace(" +client|setinfo", "")
    users.write_text(acl + ADMIN, encoding="utf-8")
    all_settings = {"port": str(server.port), "bind": "127.0.0.1", "dir": str(fleet.folder), "save": "", **settings}
    words = [word for name, value in {**all_settings, "aclfile": str(users)}.items() for word in (f"--{name}", value)]
    fleet.start("server", [binary, *words], ready=writes("Ready to accept connections"))
    return server


BEDS = [
    pytest.param(plain, id="valkey"),
    pytest.param(secured, id="redis over TLS", marks=pytest.mark.tools),
]


def refused(admin: Redis) -> list[tuple[str, str, str]]:
    """Returns what the ACL refused: whom, why, what."""
    return [(entry["username"], entry["reason"], entry["object"]) for entry in admin.acl_log()]


@dataclass(frozen=True)
class Bed:
    """A fleet on that server: a worker with beat in it, and Flower."""

    fleet: Fleet
    server: Server
    flower_port: int
    folder: Path

    def fallback(self, *arguments: str) -> str:
        ran = run(self.folder, self.fleet.environment, *arguments)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout + ran.stderr

    def in_this_code_base(self, user: str) -> dict[str, Any]:
        environment = self.fleet.environment | {"REDIS_URL": self.server.url(user)}
        ran = subprocess.run(
            [sys.executable, "-c", PRODUCE], cwd=ROOT, env=environment, capture_output=True, timeout=90, check=True
        )
        result: dict[str, Any] = json.loads(ran.stdout)
        return result

    def follows(self) -> None:
        command = [sys.executable, "-c", FOLLOW]
        subprocess.run(command, cwd=ROOT, env=self.fleet.environment, capture_output=True, timeout=60, check=True)

    def by_name(self, user: str) -> Celery:
        url = self.server.url(user)
        return Celery("elsewhere", broker=url, backend=url, set_as_current=False)


@pytest.fixture(scope="module", params=BEDS)
def bed(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    clean_environment: dict[str, str],
    shared_llmock: LLMock,
) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("acl")
    with Fleet(folder, clean_environment) as fleet:
        server = request.param(fleet)
        (folder / "fallback.toml").write_text(WAIT, encoding="utf-8")
        ours = {"REDIS_URL": server.url("fallback"), "FALLBACK_CONFIG": str(folder / "fallback.toml")}
        fleet.environment |= shared_llmock.environment | QUICK | ours | {"FALLBACK_HEALTH__PROBE_INTERVAL": "1"}
        fleet.environment |= ALERTS
        fleet.start("one", commands.worker("one", options=["-B"]), ready=writes(" ready."), cwd=ROOT)
        port = free_port()
        celery_nodes.start_flower(fleet, port)
        yield Bed(fleet, server, port, folder)


def test_the_fleet_does_its_work_and_the_acl_refuses_nothing_of_it(bed: Bed, llmock: LLMock) -> None:
    with bed.server.client("admin") as admin:
        admin.acl_log_reset()
    assert bed.in_this_code_base("producer")["object"] == "chat.completion"
    with bed.by_name("producer") as app:
        options = {"queue": "completions", "priority": 6}
        fail(llmock, "claude", 500, times=1)
        retried = app.send_task("fallback.complete", (QUESTION,), **options)
        assert retried.get(timeout=60)["fallback"]["provider"] == "claude"
        fail(llmock, "openai", 500, times=1)
        waited = app.send_task("fallback.complete", (QUESTION,), {"chain": "patient"}, **options)
        assert waited.get(timeout=60)["fallback"]["provider"] == "openai"
    bed.fallback("check")
    bed.fallback("breaker", "open", "openai", "--for", "1s")
    assert "circuit-breaker" in bed.fallback("events")
    bed.follows()
    wait_until(lambda: "alert-not-delivered" in bed.fleet.processes[-2].output())
    bed.fallback("complete", "Say hello.")
    bed.fallback("explain", waited.id)
    bed.fallback("failed")
    wait_until(lambda: '"availability": 1.0' in bed.fallback("status", "--json"))
    pages = httpx.Client(base_url=f"http://127.0.0.1:{bed.flower_port}", trust_env=False, timeout=10)
    with pages:
        wait_until(lambda: "one@" in pages.get("/workers").text)
        assert [pages.get(path).status_code for path in ("/tasks", "/broker", "/metrics")] == [200, 200, 200]
    bed.fallback("drain", "one")
    with bed.server.client("admin") as admin:
        assert refused(admin) == []


@pytest.mark.parametrize(
    ("user", "command"),
    [
        ("fallback", ["FLUSHALL"]),
        ("fallback", ["KEYS", "*"]),
        ("fallback", ["CONFIG", "GET", "requirepass"]),
        ("fallback", ["EVAL", "return 1", "0"]),
        ("fallback", ["GET", "of-another-application"]),
        ("fallback", ["PUBLISH", "of-another-application", "1"]),
        ("producer", ["LRANGE", "completions", "0", "-1"]),
        ("producer", ["RPOP", "completions"]),
        ("producer", ["SET", "celery-task-meta-1", "{}"]),
        ("producer", ["GET", "{fallback}:2:task:1"]),
        ("producer", ["LPUSH", "probes", "{}"]),
        ("producer", ["PUBLISH", "/0.celery.pidbox", "{}"]),
    ],
)
def test_what_lies_outside_is_refused(bed: Bed, user: str, command: list[str]) -> None:
    with bed.server.client(user) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command)


def test_nobody_comes_in_without_a_user(bed: Bed) -> None:
    url = bed.server.url("fallback").replace("fallback:fallback-password@", "")
    with Redis.from_url(url) as client, pytest.raises(AuthenticationError):
        client.ping()


def test_every_command_of_the_scripts_is_allowed() -> None:
    assert ACL is not None
    [allowed] = [set(line.split()) for line in ACL[1].splitlines() if line.startswith("user fallback")]
    texts = [path.read_text("utf-8") for folder in ("worker", "tasks") for path in (ROOT / folder).rglob("*.lua")]
    assert len(texts) > 20
    used = {name.lower() for text in texts for name in re.findall(r"redis\.call\('(\w+)'", text)}
    assert {f"+{name}" for name in used} - allowed == set()

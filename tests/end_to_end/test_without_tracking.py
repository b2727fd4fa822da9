"""A user who may not use CLIENT, as on some managed servers and proxies: workers poll, and all else is as before."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from celery import Celery
from celery.exceptions import TaskRevokedError
from redis import Redis

from tasks.local import celery_nodes
from tasks.local import valkey as valkey_server
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.ports import free_port
from tasks.local.process import Process
from tasks.local.readiness import writes
from tests.end_to_end.command_line import error_line, run
from tests.end_to_end.conftest import QUICK
from tests.end_to_end.vendors import QUESTION
from tests.waiting import wait_until

REFUSED = "tracking-refused reason=not-allowed poll=0.05"


@dataclass(frozen=True)
class Bed:
    """A worker whose user may not use CLIENT, a producer, and the server's administrator."""

    fleet: Fleet
    worker: Process
    app: Celery
    admin: Redis

    def ask(self, **options: float) -> object:
        return self.app.send_task("fallback.complete", (QUESTION,), queue="completions", priority=6, **options)

    def fetches(self) -> int:
        """Returns how many scripts ran until now; without polling it is three a second."""
        calls: int = self.admin.info("commandstats")["cmdstat_evalsha"]["calls"]
        return calls

    def cut(self) -> None:
        """Cuts every connection but the administrator's, and waits until the worker consumes again."""
        connected = self.worker.output().count("Connected to")
        self.admin.client_kill_filter(_type="normal", skipme=True)
        wait_until(lambda: self.worker.output().count("Connected to") > connected)


@pytest.fixture(params=["valkey", "redis_server"])
def bed(request: pytest.FixtureRequest, fleet: Fleet, llmock: LLMock) -> Iterator[Bed]:
    binary = request.getfixturevalue("redis_binary") if request.param == "redis_server" else None
    server = valkey_server.start(fleet, binary=binary)
    with Redis.from_url(server.url, decode_responses=True) as admin:
        admin.execute_command("ACL", "SETUSER", "restricted", "on", ">hidden", "~*", "&*", "+@all", "-client")
        url = server.url.replace("redis://", "redis://restricted:hidden@")
        fleet.environment |= llmock.environment | QUICK | {"REDIS_URL": url}
        worker = celery_nodes.start_worker(fleet, "restricted")
        with Celery("elsewhere", broker=url, backend=url, set_as_current=False) as app:
            yield Bed(fleet, worker, app, admin)


def test_completions_are_answered_and_controlled_as_before(bed: Bed) -> None:
    assert bed.ask().get(timeout=30)["object"] == "chat.completion"
    [name] = bed.app.control.inspect(timeout=5.0, limit=1).ping()
    assert name.startswith("restricted@")
    revoked = bed.ask(countdown=2)
    revoked.revoke()
    with pytest.raises(TaskRevokedError):
        revoked.get(timeout=30)


def test_an_idle_worker_asks_often_and_has_said_so_once(bed: Bed) -> None:
    wait_until(lambda: REFUSED in bed.worker.output())
    before = bed.fetches()
    wait_until(lambda: bed.fetches() >= before + 100)
    bed.cut()
    assert bed.ask().get(timeout=30)["object"] == "chat.completion"
    assert bed.worker.output().count("tracking-") == 1


def test_a_new_connection_tries_again(bed: Bed) -> None:
    wait_until(lambda: REFUSED in bed.worker.output())
    bed.admin.execute_command("ACL", "SETUSER", "restricted", "+client")
    bed.cut()
    wait_until(lambda: "tracking-on" in bed.worker.output())
    assert [client for client in bed.admin.client_list() if "t" in client["flags"]]
    assert bed.ask().get(timeout=30)["object"] == "chat.completion"


def test_check_names_the_refusal_and_its_cure(bed: Bed, tmp_path: Path) -> None:
    ran = run(tmp_path, bed.fleet.environment, "check")
    assert ran.returncode == 0, ran.stderr
    [line] = [line for line in ran.stdout.splitlines() if "CLIENT TRACKING" in line]
    assert "(not-allowed)" in line
    assert line.endswith("allow it with +client|tracking")


def test_a_server_without_resp3_is_named_and_no_password_with_it(
    fleet: Fleet, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    port = free_port()
    words = ["--port", str(port), "--dir", str(tmp_path), "--save", "", "--rename-command", "HELLO", ""]
    ready = writes("Ready to accept connections")
    fleet.start("old", [str(valkey_server.packaged_binary()), *words], ready=ready)
    url = f"redis://someone:hidden@127.0.0.1:{port}/0"
    ran = run(tmp_path, clean_environment | {"REDIS_URL": url}, "check")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "it must speak RESP3" in error_line(ran)
    assert "hidden" not in ran.stderr

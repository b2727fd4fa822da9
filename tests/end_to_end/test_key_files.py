"""A key's file that changes while workers run: nothing is restarted, and an authentication lock ends by itself."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.local import celery_nodes
from tests.end_to_end.failing_server import FailingServer, failing, openai
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of
from tests.waiting import wait_until
from tests.worker.providers.bare_server import Bare, responds, streams
from worker.admission import breaker

OLD, NEW = "sk-old-key-0123456789", "sk-new-key-9876543210"
REFUSED = responds(b"401 Unauthorized", b'{"error": {"message": "no such key"}}')
ANSWER = streams(*openai("gpt", "Hello there", 3, 2))
LIST = responds(b"200 OK", b'{"data": []}')


class Vendor:
    """A vendor that knows one key at a time."""

    def __init__(self, server: FailingServer) -> None:
        self.url = f"{server.url}/v1"
        self.key = OLD
        server.script(self._answer)
        self._server = server

    def _answer(self, bare: Bare, sock: socket.socket) -> bool:
        request = bare.requests[-1]
        if f"Bearer {self.key}\r\n".encode() not in request:
            return REFUSED(bare, sock)
        return (LIST if request.startswith(b"GET") else ANSWER)(bare, sock)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with failing() as server:
        yield Vendor(server)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(OLD)
    return path


@pytest.fixture
def worker_settings(vendor: Vendor, key: Path) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": vendor.url,
        "OPENAI_API_KEY": "",
        "OPENAI_API_KEY_FILE": str(key),
        "FALLBACK_HEALTH__PROBE_INTERVAL": "1",
        "FALLBACK_CHAINS__DEFAULT__PROVIDERS": '["openai"]',
    }


def ask(setup: LocalSetup) -> list[tuple[str, str]]:
    return attempts_of(setup.complete(QUESTION).get(timeout=30))


def is_locked(setup: LocalSetup) -> bool:
    return breaker.snapshot(setup.store, ["openai"])[0].auth_locked


def test_a_rotated_key_is_taken_up_without_a_failed_attempt(
    celery_setup: LocalSetup, vendor: Vendor, key: Path
) -> None:
    assert ask(celery_setup) == [("openai", "success")]
    key.write_text(NEW)
    vendor.key = NEW
    assert ask(celery_setup) == [("openai", "success")]
    assert not is_locked(celery_setup)
    logs = celery_setup.worker.logs()
    assert logs.count("key-file-changed") == 1
    assert OLD not in logs
    assert NEW not in logs


def test_a_lock_ends_when_the_new_key_is_there(celery_setup: LocalSetup, vendor: Vendor, key: Path) -> None:
    assert ask(celery_setup) == [("openai", "success")]
    vendor.key = NEW
    failed = celery_setup.complete(QUESTION).get(timeout=30, propagate=False)
    assert "authentication 401" in str(failed)
    assert is_locked(celery_setup)
    celery_nodes.start_beat(celery_setup.fleet, environment=celery_setup.environment)
    key.write_text(NEW)
    wait_until(lambda: not is_locked(celery_setup))
    assert ask(celery_setup) == [("openai", "success")]

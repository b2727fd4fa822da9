"""The broker that the application's own connections lead to."""

import subprocess
import sys

import pytest

from tasks.local.celery_nodes import ROOT

SHOW = """
from tasks import app
connection = app.connection()
print(type(connection.transport).__module__, connection.as_uri().partition(":")[0], connection.ssl)
"""


def shown(environment: dict[str, str], redis_url: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=environment | {"REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.strip()


def test_a_plain_url_is_served_by_our_transport(clean_environment: dict[str, str]) -> None:
    assert shown(clean_environment, "redis://127.0.0.1:1/0") == "tasks.transport.transport redis False"


def test_tls_verifies_the_certificate_unless_the_url_says_otherwise(clean_environment: dict[str, str]) -> None:
    assert "CERT_REQUIRED" in shown(clean_environment, "rediss://127.0.0.1:1/0")


@pytest.mark.parametrize(("asked", "verified"), [("required", "CERT_REQUIRED"), ("none", "CERT_NONE")])
def test_a_rediss_url_keeps_tls(clean_environment: dict[str, str], asked: str, verified: str) -> None:
    said = shown(clean_environment, f"rediss://127.0.0.1:1/0?ssl_cert_reqs={asked}")
    assert said.startswith("tasks.transport.transport rediss {'ssl_cert_reqs': ")
    assert verified in said

"""Flower is open to other machines behind a password alone."""

import subprocess
import sys

import pytest

from tasks.flower.address import is_loopback
from tasks.local.celery_nodes import ROOT

NO_REDIS = "redis://127.0.0.1:1/0"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.9", "::1", "localhost"])
def test_an_address_of_this_machine_is_loopback(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.0.1", "10.0.0.1", "flower.example.com", ""])
def test_any_other_address_is_not(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize(
    ("options", "variables"), [(["--address=0.0.0.0"], {}), ([], {"FLOWER_ADDRESS": "192.168.0.1"})]
)
def test_without_a_password_an_address_that_others_reach_is_refused_in_one_line(
    clean_environment: dict[str, str], options: list[str], variables: dict[str, str]
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "tasks", "flower", *options],
        cwd=ROOT,
        env={**clean_environment, "REDIS_URL": NO_REDIS, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    [line] = ended.stderr.strip().splitlines()
    assert line.endswith("is open to other machines; set FLOWER_BASIC_AUTH=user:password")

"""What is refused before anything runs, and whose packages these are."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.local.celery_nodes import ROOT

NO_REDIS = "redis://127.0.0.1:1/0"


def celery(environment: dict[str, str], *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "celery", "-A", "tasks", *arguments],
        cwd=ROOT,
        env=environment | {"REDIS_URL": NO_REDIS} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", ["config", "worker", "tasks"])
def test_the_plain_names_are_this_repositorys(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__file__ is not None
    assert Path(package.__file__).parent == ROOT / name == Path(__file__).parents[3] / name


@pytest.mark.parametrize("pool", ["gevent", "eventlet"])
def test_a_pool_that_loses_work_is_refused_in_one_line(
    clean_environment: dict[str, str], tmp_path: Path, pool: str
) -> None:
    ended = celery(clean_environment, "worker", f"--pool={pool}", PYTHONPATH=str(stand_in(tmp_path, pool)))
    assert ended.returncode == 2
    [line] = ended.stderr.strip().splitlines()
    assert line.startswith(f"--pool={pool}: refused, it loses running tasks")
    assert "use threads (the default) or prefork" in line


def stand_in(folder: Path, pool: str) -> Path:
    """Makes what Celery imports of the pool's package before it asks anybody; the package itself may be missing."""
    package = folder / pool
    package.mkdir()
    (package / "__init__.py").write_text("def monkey_patch(): pass\n", encoding="utf-8")
    (package / "monkey.py").write_text("def patch_all(): pass\n", encoding="utf-8")
    for module in ("debug", "signal", "greenthread", "hubs"):
        (package / f"{module}.py").touch()
    (folder / "greenlet.py").write_text("class GreenletExit(BaseException): pass\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("role", ["worker", "beat", "flower"])
def test_a_wrong_setting_is_one_line_with_its_path(clean_environment: dict[str, str], role: str) -> None:
    ended = celery(clean_environment, role, FALLBACK_BREAKER__FAILURE_THRESHOLD="many")
    assert ended.returncode == 2
    [line] = ended.stderr.strip().splitlines()
    assert line.startswith("breaker.failure_threshold: ")


def test_an_unknown_setting_is_one_line_with_its_path(clean_environment: dict[str, str]) -> None:
    ended = celery(clean_environment, "worker", FALLBACK_BREAKER__FAILURE_TRESHOLD="5")
    assert ended.returncode == 2
    assert ended.stderr.strip() == "breaker.failure_treshold: unknown key"


@pytest.mark.parametrize("url", ["amqp://guest:secret@127.0.0.1", "sqs://", "memory://"])
def test_another_broker_is_refused_with_the_reason(clean_environment: dict[str, str], url: str) -> None:
    ended = celery(clean_environment, "worker", REDIS_URL=url)
    assert ended.returncode == 2
    [line] = ended.stderr.strip().splitlines()
    assert line.startswith("redis_url: ")
    assert "need Redis" in line
    assert "secret" not in line

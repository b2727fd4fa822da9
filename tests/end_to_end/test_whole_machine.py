"""`fallback up` and `fallback demo`: everything on this machine, and nothing of it afterwards."""

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.command_line import output, run, running
from tests.tasks.local.liveness import is_gone
from tests.waiting import wait_until

ENDS_WITHIN = 40.0
OF_ITS_OWN = """
[providers.mine]
dialect = "openai"
base_url = "http://127.0.0.1:1"
api_key_env = "MINE_API_KEY"
models = { default = { name = "a-model" } }
"""


def below(process: subprocess.Popen[str]) -> list[int]:
    return [child.pid for child in psutil.Process(process.pid).children(recursive=True)]


def of(environment: dict[str, str]) -> list[int]:
    """Returns the processes that were started with this environment's temporary folder."""
    found = psutil.process_iter(["pid", "environ"])
    return [p.info["pid"] for p in found if (p.info["environ"] or {}).get("TMPDIR") == environment["TMPDIR"]]


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)).split(os.sep)[0] for path in folder.iterdir()}


@pytest.fixture
def temporary(tmp_path: Path, clean_environment: dict[str, str]) -> dict[str, str]:
    """An environment whose temporary folder and home are the test's own, so that nothing hides there."""
    for name in ("tmp", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "here").mkdir()
    return {**clean_environment, "TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path / "home")}


def printed_variables(folder: Path) -> dict[str, str]:
    """Returns what the printed line would export, as a shell reads it."""
    [line] = [line for line in output(folder).splitlines() if line.startswith("  export ")]
    words = shlex.split(line)[1:]
    return dict(word.split("=", 1) for word in words)


def says_the_same_as_its_workers(folder: Path, elsewhere: dict[str, str]) -> None:
    checked = run(folder, elsewhere, "check")
    assert (checked.returncode, checked.stdout.count("answers in")) == (0, 3), checked.stdout + checked.stderr
    found = json.loads(run(folder, elsewhere, "status", "--json").stdout)
    assert {each["provider"]: each["missing"] for each in found["providers"]} == {
        "claude": None,
        "mine": "no API key",
        "llama_cpp": None,
        "openai": None,
    }


def test_up_starts_all_of_it_tells_another_terminal_of_it_and_ctrl_c_ends_all_of_it(
    tmp_path: Path, temporary: dict[str, str]
) -> None:
    folder = tmp_path / "here"
    (folder / "my settings.toml").write_text(OF_ITS_OWN, encoding="utf-8")
    here = {**temporary, "FALLBACK_CONFIG": "my settings.toml"}
    with running(folder, here, "up", "--simulate", "--workers", "1", "--run-dir", "run") as process:
        wait_until(lambda: "Ctrl-C ends all of it." in output(folder) or process.poll() is not None, 60)
        assert process.poll() is None, output(folder)
        started = below(process)
        names = {psutil.Process(pid).cmdline()[-1] for pid in started if not is_gone(pid)}
        assert len(started) >= 7, names  # Valkey, llama.cpp, LLMock, two workers, beat, Flower
        says_the_same_as_its_workers(tmp_path, temporary | printed_variables(folder))
        process.send_signal(signal.SIGINT)
        assert process.wait(ENDS_WITHIN) == 0
        wait_until(lambda: all(map(is_gone, started)))
    assert output(folder).rstrip().endswith("ended")
    assert "Traceback" not in output(folder)
    assert left(folder) == {"my settings.toml", "output", "run"}


def test_the_demo_ends_well_and_leaves_nothing_but_its_folder(tmp_path: Path, temporary: dict[str, str]) -> None:
    folder = tmp_path / "here"
    with running(folder, temporary, "demo", "--run-dir", "run") as process:
        wait_until(lambda: "The primary answers" in output(folder) or process.poll() is not None, 60)
        started = below(process)
        assert process.wait(120) == 0, output(folder)
        wait_until(lambda: all(map(is_gone, started)))
    assert "Checked: claude's own journal counts" in output(folder)
    for change in ("circuit-breaker-open", "circuit-breaker-half-open", "circuit-breaker-closed"):
        assert f"event: claude {change}" in output(folder)
    assert left(folder) == {"output", "run"}
    assert left(tmp_path) == {"here", "tmp", "home"}
    assert left(tmp_path / "tmp") == left(tmp_path / "home") == set()


def test_a_demo_killed_at_once_leaves_no_process(tmp_path: Path, temporary: dict[str, str]) -> None:
    folder = tmp_path / "here"
    with running(folder, temporary, "demo", "--run-dir", "run") as process:
        wait_until(lambda: (folder / "run" / "worker1.log").exists() or process.poll() is not None, 60)
        assert len(below(process)) >= 4  # the guardian, Valkey, LLMock, llama.cpp
        process.kill()
        process.wait(10)
        wait_until(lambda: not of(temporary), ENDS_WITHIN)

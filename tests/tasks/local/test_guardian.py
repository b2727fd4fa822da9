import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tasks.local.celery_nodes import ROOT
from tasks.local.guardian import Guardian, registered
from tests.tasks.local.liveness import is_gone
from tests.waiting import wait_until

COMMAND = """
import sys
from pathlib import Path
from tasks.local import valkey
from tasks.local.fleet import Fleet
from tasks.local.readiness import writes

stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
with Fleet(Path(sys.argv[1])) as fleet:
    valkey.start(fleet)
    fleet.start("stubborn", [sys.executable, "-c", stubborn], ready=writes("up"), grace=0.5)
    print(*(process.pid for process in fleet.processes), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def command(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that runs a Valkey and a process that ignores SIGTERM."""
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as command:
        yield command
        command.kill()


def descendants(command: subprocess.Popen[str]) -> set[int]:
    """Returns the pids of its servers, once they run, and of the guardian."""
    assert command.stdout is not None
    servers = {int(pid) for pid in command.stdout.readline().split()}
    everything = {child.pid for child in psutil.Process(command.pid).children(recursive=True)}
    assert servers < everything
    assert len(everything) == 3
    return everything


def test_nothing_survives_kill_9_of_the_command(command: subprocess.Popen[str]) -> None:
    pids = descendants(command)
    command.kill()
    wait_until(lambda: all(is_gone(pid) for pid in pids), 8)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_survives_a_signal_to_the_command(command: subprocess.Popen[str], number: signal.Signals) -> None:
    pids = descendants(command)
    command.send_signal(number)
    wait_until(lambda: all(is_gone(pid) for pid in pids), 8)


def test_a_second_interrupt_leaves_nothing_either(command: subprocess.Popen[str]) -> None:
    pids = descendants(command)
    command.send_signal(signal.SIGINT)
    command.send_signal(signal.SIGINT)
    wait_until(lambda: all(is_gone(pid) for pid in pids), 8)


def test_the_guardian_outlasts_the_signals_that_end_its_fellows(command: subprocess.Popen[str]) -> None:
    pids = descendants(command)
    (guardian,) = (pid for pid in pids if "guardian.py" in " ".join(psutil.Process(pid).cmdline()))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        psutil.Process(guardian).send_signal(number)
    command.kill()
    wait_until(lambda: all(is_gone(pid) for pid in pids), 8)


def test_a_forgotten_pid_is_left_alone() -> None:
    guardian = Guardian()
    with subprocess.Popen(["sleep", "60"], start_new_session=True, preexec_fn=guardian.register) as child:
        guardian.forget(child.pid)
        guardian.close()
        assert child.poll() is None
        child.kill()


def test_a_pid_counts_that_was_registered_after_it_was_forgotten() -> None:
    assert registered(["+5\n", "+7\n", "-5\n", "+9\n", "-9\n", "+9\n"]) == {7, 9}


def test_close_twice_is_close_once() -> None:
    guardian = Guardian()
    guardian.close()
    guardian.close()

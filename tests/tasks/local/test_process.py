import signal
import sys

import pytest

from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tasks.local.readiness import writes
from tests.tasks.local.liveness import is_gone
from tests.waiting import wait_until

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = (
    "import subprocess; child = subprocess.Popen(['sleep', '60']); print('up', child.pid, flush=True); child.wait()"
)


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_output_lies_in_the_run_folder(fleet: Fleet) -> None:
    program = "import sys, time; print('out', flush=True); print('err', file=sys.stderr, flush=True); time.sleep(60)"
    process = fleet.start("speaker", python(program), ready=writes("err"))
    assert process.log == fleet.folder / "speaker.log"
    assert sorted(process.output().split()) == ["err", "out"]


def test_a_child_that_ends_early_is_named_with_its_log_and_last_lines(fleet: Fleet) -> None:
    with pytest.raises(FleetError, match=r"(?s)broken ended with status 7 .*broken\.log.*out of luck"):
        fleet.start("broken", python("print('out of luck'); raise SystemExit(7)"), ready=writes("ready"))


def test_a_child_that_is_not_ready_in_time_is_ended(fleet: Fleet) -> None:
    with pytest.raises(FleetError, match=r"late was not ready within 0\.2 s"):
        fleet.start("late", ["sleep", "60"], ready=writes("ready"), within=0.2)
    assert fleet.processes == []


def test_a_command_that_is_not_there_is_one_line(fleet: Fleet) -> None:
    with pytest.raises(FleetError, match=r"^ghost cannot be run: No such file or directory: no-such-program$"):
        fleet.start("ghost", ["no-such-program"])


def test_stop_ends_a_child_that_ignores_sigterm(fleet: Fleet) -> None:
    process = fleet.start("stubborn", python(STUBBORN), ready=writes("up"), grace=0.2)
    process.stop()
    assert process.exit_status == -signal.SIGKILL


def test_stop_lets_a_child_end_by_itself(fleet: Fleet) -> None:
    process = fleet.start("polite", ["sleep", "60"])
    process.stop()
    assert process.exit_status == -signal.SIGTERM


def test_kill_ends_the_children_of_a_child(fleet: Fleet) -> None:
    process = fleet.start("parent", python(PARENT), ready=writes("up"))
    grandchild = int(process.output().split()[1])
    process.kill()
    wait_until(lambda: is_gone(grandchild))


def test_a_child_starts_again_with_a_fresh_answer(fleet: Fleet) -> None:
    process = fleet.start("stubborn", python(STUBBORN), ready=writes("up"), grace=0.2)
    first = process.pid
    process.restart()
    assert process.running
    assert process.pid != first
    assert process.output().split() == ["up"]


def test_close_ends_the_latest_first(fleet: Fleet) -> None:
    # os.write: the signal may come while print is still at work, which is not to be entered twice.
    order = "import os, signal, time; tell = lambda *_: os._exit(os.write(1, b'%d' % time.monotonic_ns()))"
    program = python(order + "; signal.signal(signal.SIGTERM, tell); print('up', flush=True); time.sleep(60)")
    first, second = (fleet.start(name, program, ready=writes("up")) for name in ("first", "second"))
    fleet.close()
    assert int(second.output().split()[1]) < int(first.output().split()[1])

"""Ends the processes of a fleet when their parent ends, even after kill -9 of the parent; on Linux and macOS.

1. The guardian is one process that reads a pipe.
2. The parent holds the other end. So does each child between fork and exec, where it writes its own pid. No child ever
   runs without being registered.
3. When the parent ends in any way, the kernel closes that end, and the guardian ends the registered processes.

The pipe carries lines: `+PID` registers the leader of a process group; `-PID` forgets one whose end the parent has
seen, so that a pid which the kernel reuses is never signalled.

This file is also the guardian's program. It imports only the standard library, to start in 20 ms.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""

_CLOSED = -1


class Guardian:
    """The parent's side."""

    def __init__(self) -> None:
        read_end, self._write_end = os.pipe()
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-I", __file__, str(read_end)],
            pass_fds=[read_end],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read_end)

    def register(self) -> None:
        """Registers the calling process by one write; for `preexec_fn`, between fork and exec."""
        os.write(self._write_end, b"+%d\n" % os.getpid())

    def forget(self, pid: int) -> None:
        """Unregisters a process that has ended, because the kernel may reuse its pid."""
        if self._write_end == _CLOSED:
            return
        with contextlib.suppress(BrokenPipeError):  # somebody killed the guardian
            os.write(self._write_end, b"-%d\n" % pid)

    def close(self) -> None:
        """Ends all registered processes, then the guardian."""
        if self._write_end == _CLOSED:
            return
        os.close(self._write_end)
        self._write_end = _CLOSED  # the kernel may reuse the number for another file
        self._process.wait(GRACE + 10)


def registered(lines: Iterable[str]) -> set[int]:
    """Returns the pids that are registered and not forgotten after the last line."""
    leaders: set[int] = set()
    for line in lines:
        change = leaders.add if line.startswith("+") else leaders.discard
        change(int(line[1:]))
    return leaders


def end(leaders: set[int]) -> None:
    """Ends the process groups: SIGTERM, at most GRACE seconds, SIGKILL."""
    left = {leader for leader in leaders if _signal(leader, signal.SIGTERM)}
    deadline = time.monotonic() + GRACE
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {leader for leader in left if _signal(leader, 0)}
    for leader in left:
        _signal(leader, signal.SIGKILL)


def _signal(leader: int, number: int) -> bool:
    """Returns whether the group has a process left; macOS raises EPERM for a group of zombies."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    """Waits for the end of the parent, then ends the registered processes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with open(int(sys.argv[1]), encoding="ascii") as pipe:
        leaders = registered(pipe)
    end(leaders)


if __name__ == "__main__":
    main()

"""One child process: its own session, its output in a file, a readiness check, a certain end."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tasks.local.errors import FleetError
from tasks.local.guardian import Guardian

_TAIL = 5
_POLL = 0.02


class Process:
    """A child process that can be started, stopped, killed and started again under the same name and log.

    `ready` is called from the start on until it returns True; each call must return within a second or so. `grace` is
    the seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        guardian: Guardian,
        environment: Mapping[str, str],
        ready: Callable[["Process"], bool],
        cwd: Path | None = None,
        within: float = 30.0,
        grace: float = 10.0,
    ) -> None:
        self.name = name
        self.command = tuple(command)
        self.log = folder / f"{name}.log"
        self.environment = dict(environment)
        self.grace = grace
        self._guardian = guardian
        self._ready = ready
        self._cwd = cwd
        self._within = within
        self._log_start = 0
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Returns the pid of the latest start, which is also the id of its process group."""
        if self._child is None:
            raise FleetError(f"{self.name} was never started")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Returns whether the child is alive."""
        return self._child is not None and self._wait(0.0) is None

    @property
    def exit_status(self) -> int | None:
        """Returns the exit status, minus the signal's number, or None while the child runs or before a start."""
        return self._wait(0.0) if self._child is not None else None

    def output(self) -> str:
        """Returns what the child wrote since its latest start."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def start(self) -> None:
        """Starts the child and waits until it is ready.

        Raises:
            FleetError: it cannot be run, ended early, or was not ready in time; nothing of it is left.
        """
        self.spawn()
        try:
            self.wait_ready()
        except BaseException:  # also Ctrl-C: no child may stay behind
            self.kill()
            raise

    def spawn(self) -> None:
        """Starts the child without waiting for it.

        Raises:
            FleetError: it runs already, or the command cannot be run.
        """
        if self.running:
            raise FleetError(f"{self.name} runs already (pid {self.pid})")
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            try:
                self._child = subprocess.Popen(  # noqa: S603 - the fleet's own commands
                    self.command,
                    cwd=self._cwd,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=self._guardian.register,  # safe beside threads: one write(2), which takes no lock
                )
            except OSError as exc:
                raise FleetError(f"{self.name} cannot be run: {exc.strerror}: {exc.filename}") from exc

    def wait_ready(self) -> None:
        """Waits until the child is ready.

        Raises:
            FleetError: it ended, or was not ready in time.
        """
        deadline = time.monotonic() + self._within
        while self._wait(_POLL) is None:
            if self._ready(self):
                return
            if time.monotonic() > deadline:
                raise FleetError(self._describe(f"was not ready within {self._within:g} s"))
        raise FleetError(self._describe(f"ended with status {self.exit_status} before it was ready"))

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the child alone."""
        if self.running:
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Waits for the child's end and returns its exit status.

        Raises:
            FleetError: it has not ended in time.
        """
        status = self._wait(seconds)
        if status is None:
            raise FleetError(self._describe(f"has not ended within {seconds:g} s"))
        return status

    def stop(self, grace: float | None = None) -> None:
        """Ends the child: SIGTERM, at most `grace` seconds (its own if None), then SIGKILL for its whole group."""
        self.signal(signal.SIGTERM)  # to the leader alone: it ends its children in order
        if self._child is not None and self._wait(self.grace if grace is None else grace) is None:
            self.kill()

    def kill(self) -> None:
        """Kills the child and its whole group at once."""
        if self.running:
            self._kill_group()
            self.wait(10.0)

    def restart(self) -> None:
        """Kills the child if it runs and starts it again."""
        self.kill()
        self.start()

    def _wait(self, seconds: float) -> int | None:
        assert self._child is not None  # noqa: S101 - every caller has checked it
        if self._child.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(seconds)
                self._clean_up()
        return self._child.returncode

    def _clean_up(self) -> None:
        """Kills the rest of the child's group, then unregisters its pid, which the kernel may reuse."""
        self._kill_group()
        self._guardian.forget(self.pid)

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(self.pid, signal.SIGKILL)

    def _describe(self, what: str) -> str:
        lines = self.output().splitlines()[-_TAIL:]
        return "\n  ".join([f"{self.name} {what}; its log is {self.log}", *lines])

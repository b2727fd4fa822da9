"""The servers and workers that one command or one test started on this machine."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks.local.guardian import Guardian
from tasks.local.process import Process
from tasks.local.readiness import runs


class Fleet:
    """Processes that share a run folder and an environment, and end together.

    They write to `folder` alone. The next process gets `environment`; the caller that starts a server adds the server's
    own `environment` (REDIS_URL and the like) to it.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Creates the folder; without `environment` the processes inherit this process's."""
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.environment = dict(os.environ if environment is None else environment)
        self.processes: list[Process] = []
        self._guardian = Guardian()

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        ready: Callable[[Process], bool] = runs,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        within: float = 30.0,
        grace: float = 10.0,
    ) -> Process:
        """Starts a process and waits until it is ready.

        Args:
            name: of the process and its log file.
            command: what to run.
            ready: called until it returns True.
            environment: added to the fleet's own.
            cwd: the folder to run in; the run folder if None.
            within: seconds until it must be ready.
            grace: seconds between SIGTERM and SIGKILL when it is stopped.

        Raises:
            FleetError: it did not start; nothing of it is left.
        """
        process = Process(
            name,
            command,
            folder=self.folder,
            guardian=self._guardian,
            environment={**self.environment, **(environment or {})},
            ready=ready,
            cwd=cwd or self.folder,
            within=within,
            grace=grace,
        )
        process.start()
        self.processes.append(process)
        return process

    def close(self) -> None:
        """Ends every process, the latest first. If this is interrupted, the guardian ends the rest."""
        try:
            while self.processes:
                self.processes[-1].stop()
                self.processes.pop()
        finally:
            self._guardian.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

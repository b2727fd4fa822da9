"""The command lines of Celery's workers, beat and Flower.

This module does not import the application that they run.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

APPLICATION = "tasks"


def worker(
    name: str,
    *,
    queues: Sequence[str] = (),
    concurrency: int | None = None,
    loglevel: str = "INFO",
    options: Sequence[str] = (),
    application: str = APPLICATION,
) -> list[str]:
    """Returns the command of a worker; without queues and concurrency it uses the application's configuration."""
    command = [*_celery(application, "worker"), "-n", f"{name}@%h", "--loglevel", loglevel]
    if queues:
        command += ["-Q", ",".join(queues)]
    if concurrency:
        command += ["--concurrency", str(concurrency)]
    return [*command, *options]


def beat(schedule: Path, *, loglevel: str = "INFO", application: str = APPLICATION) -> list[str]:
    """Returns the command of beat, which records its last runs in the file `schedule`."""
    return [*_celery(application, "beat"), "--schedule", str(schedule), "--pidfile", "", "--loglevel", loglevel]


def flower(port: int, *, options: Sequence[str] = (), application: str = APPLICATION) -> list[str]:
    """Returns the command of Flower on 127.0.0.1."""
    return [*_celery(application, "flower"), "--address=127.0.0.1", f"--port={port}", *options]


def _celery(application: str, role: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", application, role]

"""The `fallback` command as a user runs it."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

COMMAND = (sys.executable, "-P", "-c", "from tasks.cli import main; main()")
NO_REDIS = {"REDIS_URL": "redis://:hidden@127.0.0.1:1/0"}

Ran = subprocess.CompletedProcess[str]
Fallback = Callable[..., Ran]


def run(folder: Path, environment: Mapping[str, str], *arguments: str, within: float = 60.0) -> Ran:
    """Runs the command in a folder to its end, on a terminal of 80 columns unless `environment` has others."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env={"COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


@contextmanager
def running(folder: Path, environment: Mapping[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Runs the command; what it writes goes to `folder/output`."""
    with (folder / "output").open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def output(folder: Path) -> str:
    """Returns what a running command has written until now."""
    return (folder / "output").read_text(encoding="utf-8")


def error_line(ran: Ran) -> str:
    """Returns the one line on standard error."""
    [line] = ran.stderr.strip().splitlines()
    return line

"""The `fallback` command as a user runs it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

COMMAND = (sys.executable, "-P", "-c", "from tasks.cli import main; main()")


def run(
    folder: Path, environment: Mapping[str, str], *arguments: str, within: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder, on a terminal of 80 columns, to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env={**environment, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )

"""Where the examples are, and one that runs to its end."""

import subprocess
from collections.abc import Mapping

from tasks.local.celery_nodes import ROOT
from tests.end_to_end.command_line import Ran

EXAMPLES = ROOT / "examples"
OWN_CHAIN = EXAMPLES / "own_chain.toml"


def run(folder: str, environment: Mapping[str, str], *command: str) -> Ran:
    return subprocess.run(
        command, cwd=EXAMPLES / folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

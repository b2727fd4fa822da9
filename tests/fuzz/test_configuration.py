"""Whatever stands in the file and the environment is settings, or lines that each name a path and a reason."""

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from config.settings import ConfigurationError, load
from tasks.local.celery_nodes import ROOT
from tests.fuzz.conftest import Tell
from tests.fuzz.drawing import CASES, drawn
from tests.fuzz.operators import BYTES, VARIABLES

LOADED, REFUSED = "loaded", "refused"
PROCESSES = max(4, CASES // 250)
"""Whole processes, each a second of CPU."""


def came_to(environ: Mapping[str, str]) -> str:
    """Returns what comes of loading; any error but ours is the test's failure."""
    try:
        load(environ)
    except ConfigurationError as refused:
        for line in str(refused).splitlines():
            assert line.isprintable(), (environ, line)
            assert ": " in line or line.endswith("missing"), (environ, line)
        return REFUSED
    return LOADED


def test_a_file_is_settings_or_lines_with_path_and_reason(tmp_path: Path, tell: Tell) -> None:
    outcomes, path = Counter[str](), tmp_path / "fallback.toml"
    for content in drawn(BYTES, CASES):
        path.write_bytes(content)
        outcomes[came_to({"FALLBACK_CONFIG": str(path)})] += 1
    tell(f"{outcomes.total():,} files: {dict(outcomes)}")


def test_an_environment_is_settings_or_lines_with_path_and_reason(tell: Tell) -> None:
    outcomes = Counter(came_to(environ) for environ in drawn(VARIABLES, CASES))
    tell(f"{outcomes.total():,} environments: {dict(outcomes)}")


def test_a_process_ends_with_status_2_and_those_lines(tmp_path: Path, clean_environment: dict[str, str]) -> None:
    path = tmp_path / "fallback.toml"
    for content in drawn(BYTES, PROCESSES):
        path.write_bytes(content)
        environ = {"FALLBACK_CONFIG": str(path)}
        ran = subprocess.run(
            [sys.executable, "-c", "import tasks"],
            cwd=ROOT,
            env={**clean_environment, **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, "Traceback" in ran.stderr) == (0 if came_to(environ) == LOADED else 2, False), content

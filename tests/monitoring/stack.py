"""The files of examples/monitoring, and Debian's programs that read them."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.local.celery_nodes import ROOT

FOLDER = ROOT / "examples" / "monitoring"
DASHBOARDS = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
RULES = sorted((FOLDER / "rules").glob("*.yml"))
HOW_TO = (ROOT / "docs" / "how-to" / "respond-to-an-alert.md").read_text("utf-8")


@cache
def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def alerts() -> dict[str, dict[str, Any]]:
    """Returns each alert of the rules by its name."""
    groups = [group for path in RULES for group in read(path)["groups"]]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def dashboards() -> dict[str, dict[str, Any]]:
    """Returns each dashboard by its title."""
    found = (json.loads(path.read_text("utf-8")) for path in DASHBOARDS)
    return {board["title"]: board for board in found}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each panel that shows something, with its name."""
    for title, board in dashboards().items():
        yield from ((f"{title}: {each['title']}", each) for each in board["panels"] if each["type"] != "row")


def anchors() -> set[str]:
    """Returns the anchors of the how-to's headings."""
    headings = re.findall(r"^#+ (.+)$", HOW_TO, re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())) for heading in headings}


def tool(name: str, package: str) -> str:
    """Returns a program's path; skips the test where it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on this machine: apt-get install --no-install-recommends {package}")
    return found


def said_by(*command: str | Path, cwd: Path = FOLDER) -> tuple[int, str]:
    """Runs a program and returns its exit status and all that it printed."""
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    return ran.returncode, ran.stdout + ran.stderr

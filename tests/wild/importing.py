"""LiteLLM's own example configurations, imported: `python -m tests.wild.importing VERSION FOLDER` records them.

The files are LiteLLM's and are not kept here. VERSION is that of the package or the commit whose files FOLDER has. What
each became is in litellm/examples.toml, with a digest of what the file says, so that the record can be held against the
files again.
"""

import hashlib
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w
import yaml

from tasks.cli.litellm.conversion import convert
from tasks.cli.litellm.source import read

RECORD = Path(__file__).with_name("litellm") / "examples.toml"


def recorded() -> list[dict[str, Any]]:
    """Returns the record of each file."""
    rows: list[dict[str, Any]] = tomllib.loads(RECORD.read_text("utf-8"))["example"]
    return rows


def examples(folder: Path) -> Iterator[Path]:
    """Yields the configurations of a proxy in a folder: YAML files with deployments, or with settings of the router."""
    for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.yml"))):
        tree = yaml.safe_load(path.read_text("utf-8"))
        if isinstance(tree, dict) and isinstance(tree.get("model_list"), list):
            yield path


def imported(path: Path) -> dict[str, Any]:
    """Returns what one file became, as counts."""
    conversion = convert(read(path))
    left_out = [
        each for each in conversion.remarks.unmatched if each.path.count(".") == 1 and "model_list." in each.path
    ]
    own = [name for name, comment in conversion.comments.items() if not comment.startswith("a chain of the defaults")]
    return {
        "digest": digest(path),
        "deployments": conversion.deployments,
        "left_out": len(left_out),
        "providers": len(conversion.providers),
        "chains": len(own),
        "unmatched": len(conversion.remarks.unmatched) - len(left_out),
        "differing": len(conversion.remarks.differing),
    }


def digest(path: Path) -> str:
    """Returns a digest of what a file says, whatever its comments."""
    tree = yaml.safe_load(path.read_text("utf-8"))
    return hashlib.sha256(json.dumps(tree, sort_keys=True, default=str).encode()).hexdigest()[:16]


def main(version: str, folder: Path) -> None:
    """Records every example of a folder."""
    rows = {row["file"]: row for row in recorded()} if RECORD.exists() else {}
    for path in examples(folder):
        file = path.relative_to(folder).as_posix()
        rows[file] = {"file": file, "version": version, **imported(path)}
    RECORD.write_text(tomli_w.dumps({"example": [rows[file] for file in sorted(rows)]}), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

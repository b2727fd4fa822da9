"""What `fallback import-litellm` knows of LiteLLM's configurations, and what became of LiteLLM's own examples."""

import tomllib
from pathlib import Path
from typing import Any

from docs.generators.failures import linked
from docs.generators.tables import Table, codes
from tasks.cli.litellm.remarks import REASONS
from tasks.cli.litellm.vendors import VENDORS

_RECORD = Path(__file__).parents[2] / "tests" / "wild" / "litellm" / "examples.toml"
_COUNTS = ("deployments", "left_out", "providers", "chains", "unmatched", "differing")


def vendors() -> Table:
    """Returns the prefixes that have a dialect."""
    rows = [
        [
            codes(f"{prefix}/" for prefix in vendor.prefixes),
            f"`{vendor.preset}`" if vendor.preset else "",
            f"`{vendor.dialect}`",
            f"`{vendor.base_url}`" if vendor.base_url else f"in `{vendor.base_url_env}`",
            f"`{vendor.api_key_env}`" if vendor.api_key_env else "",
            linked(vendor.source),
        ]
        for vendor in dict.fromkeys(VENDORS.values())
    ]
    return Table(["prefix", "preset", "dialect", "address without `api_base`", "key without `api_key`", "source"], rows)


def reasons() -> Table:
    """Returns the keys that have no counterpart, with the reason that is told."""
    return Table(["keys", "what is told"], [[codes(each.keys), each.why] for each in REASONS])


def examples() -> Table:
    """Returns what each of LiteLLM's own examples became, and the sum."""
    recorded: list[dict[str, Any]] = tomllib.loads(_RECORD.read_text("utf-8"))["example"]
    rows = [[f"`{row['file']}`", _version(row), *(str(row[count]) for count in _COUNTS)] for row in recorded]
    total = ["all", "", *(str(sum(row[count] for row in recorded)) for count in _COUNTS)]
    header = ["file", "of", "deployments", "left out", "providers", "chains", "no counterpart", "with a difference"]
    return Table(header, [*rows, total])


def _version(row: dict[str, Any]) -> str:
    version = str(row["version"])
    if "." in version:
        return version
    return f"[{version[:7]}](https://github.com/BerriAI/litellm/blob/{version}/{row['file']})"

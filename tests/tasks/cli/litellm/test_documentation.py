"""The example of docs/how-to/come-from-litellm.md is what the command makes of it."""

import re
import tomllib
from pathlib import Path

PAGE = (Path(__file__).parents[4] / "docs" / "how-to" / "come-from-litellm.md").read_text("utf-8")


def test_the_example_on_the_page_becomes_the_file_on_the_page(imported):
    [yaml] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    [toml] = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    ours = imported(yaml).tables
    assert set(ours["chains"]) == {"smart", "spare", "default", "high-priority", "low-cost", "local-first"}
    assert tomllib.loads(toml) == ours | {"chains": {"smart": ours["chains"]["smart"]}}

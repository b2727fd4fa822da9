import tomllib
from dataclasses import dataclass
from typing import Any

import pytest

from config.settings import Settings, load
from tasks.cli.litellm.conversion import Conversion, convert
from tasks.cli.litellm.document import report, toml
from tasks.cli.litellm.source import read


@dataclass
class Imported:
    conversion: Conversion
    text: str
    settings: Settings

    @property
    def tables(self) -> dict[str, Any]:
        return tomllib.loads(self.text)

    @property
    def unmatched(self) -> dict[str, str]:
        return {each.path: each.why for each in self.conversion.remarks.unmatched}

    @property
    def differing(self) -> dict[str, str]:
        return {each.path: each.why for each in self.conversion.remarks.differing}


@pytest.fixture
def imported(tmp_path):
    """Imports the text of a file, and loads what comes out with these variables."""

    def run(text, **environ):
        source, ours = tmp_path / "config.yaml", tmp_path / "fallback.toml"
        source.write_text(text, "utf-8")
        conversion = convert(read(source))
        ours.write_text(toml(conversion, source), "utf-8")
        settings = load({"FALLBACK_CONFIG": str(ours), **environ})
        assert "\n".join(report(conversion)) in ours.read_text("utf-8").replace("\n# ", "\n").replace("\n#", "\n")
        return Imported(conversion, ours.read_text("utf-8"), settings)

    return run

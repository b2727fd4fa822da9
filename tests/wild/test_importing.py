"""The record of LiteLLM's own example configurations is what the importer makes of them."""

import os
import tomllib
from pathlib import Path

import pytest

from config.settings import load
from tasks.cli.litellm.conversion import convert
from tasks.cli.litellm.document import toml
from tasks.cli.litellm.source import read
from tasks.request_check import check_request
from tests.wild.importing import RECORD, digest, examples, imported, recorded

FOLDER = os.environ.get("LITELLM_EXAMPLES", "")


@pytest.mark.skipif(not FOLDER, reason="LITELLM_EXAMPLES names no folder with LiteLLM's files")
def test_each_recorded_file_becomes_what_is_recorded_and_loads(tmp_path):
    rows = {row["digest"]: row for row in recorded()}
    found = {path: rows[digest(path)] for path in examples(Path(FOLDER)) if digest(path) in rows}
    assert found
    for path, row in found.items():
        assert {**row, **imported(path)} == row
        assert_loads(path, tmp_path / "fallback.toml")


def assert_loads(path: Path, ours: Path) -> None:
    """What a file becomes is a configuration, whose chains take each name that its callers use."""
    conversion = convert(read(path))
    ours.write_text(toml(conversion, path), "utf-8")
    settings = load({"FALLBACK_CONFIG": str(ours)})
    assert settings.models == conversion.models
    for chain in conversion.chains:
        for name in settings.models:
            check_request(settings, {"messages": [{"role": "user", "content": "Hi"}], "model": name}, chain)


def test_every_recorded_deployment_is_a_provider_or_told():
    for row in recorded():
        assert row["left_out"] <= row["deployments"]
        assert row["providers"] <= row["deployments"] - row["left_out"]
        assert (row["chains"] > 0) == (row["providers"] > 0)


REBUILT = tomllib.loads((RECORD.parent / "rebuilt.toml").read_text("utf-8"))["rebuilt"]


@pytest.mark.parametrize("config", REBUILT, ids=lambda config: config["like"])
def test_a_configuration_with_the_same_keys_is_counted_alike(config, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(config["yaml"], "utf-8")
    assert imported(path) == {**config["counts"], "digest": digest(path)}
    assert_loads(path, tmp_path / "fallback.toml")

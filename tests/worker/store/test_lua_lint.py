"""The Lua files, and the scripts that are joined from them, in luacheck's eyes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.worker.admission.clocked_breaker import CHAIN, provider
from worker.store.scripts import scripts

ROOT = Path(__file__).parents[3]
LUACHECK = shutil.which("luacheck")
SCRIPTS = {name: script.text for name, script in scripts({name: provider(name) for name in CHAIN}).items()}

pytestmark = pytest.mark.tools


def luacheck(*arguments: str, text: str | None = None) -> str:
    """Returns what luacheck finds fault with."""
    assert LUACHECK, "no luacheck on this machine: apt-get install lua-check"
    command = [LUACHECK, "--no-color", *arguments]
    return subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False).stdout


def complaints(text: str) -> list[str]:
    """Returns the globals that a joined script writes, or reads beyond those that a server gives it."""
    given = ("--read-globals", "redis", "cjson", "KEYS", "ARGV")
    return luacheck(
        "-", "--no-config", "--std", "lua51", *given, "--only", "1", "--formatter", "plain", text=text
    ).splitlines()


def test_the_lua_files_are_clean():
    assert luacheck("worker/lua", "tasks/transport/lua", "--config", ".luacheckrc", "--formatter", "plain") == ""


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_joined_script_writes_no_global_and_reads_the_server_s_alone(name):
    assert complaints(SCRIPTS[name]) == []


@pytest.mark.parametrize("mistake", ["forgotten = 1", "redis = nil", "KEYS[1] = 'x'", "return walks(1)"])
def test_a_global_written_or_unknown_is_found(mistake):
    assert complaints("\n".join([SCRIPTS["begin"].rpartition("return")[0], mistake]))

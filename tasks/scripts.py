"""The scripts of the queue side: the files of tasks/lua, behind the clock that all scripts share."""

from functools import cache
from importlib.resources import files

from redis import Redis
from redis.commands.core import Script

from worker.store import lua


@cache
def script(name: str) -> Script:
    """Returns a script by its file's name; it must be given the `client` to run on, and loads itself there.

    The text is cached for the process; a `Script` has its SHA-1.
    """
    text = files("tasks").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    return Script(_ENCODES, lua("clock") + text)


_ENCODES = Redis()
"""Opens no connection: a `Script` asks it how text becomes bytes."""

"""The Lua scripts of the queue: the files of tasks/transport/lua, each after the shared function `clock`."""

from functools import cache
from importlib.resources import files

from redis import Redis
from redis.commands.core import Script

from tasks.celery import settings
from worker.store.scripts import clocked, lua


@cache
def script(name: str) -> Script:
    """Returns a script by the name of its file; call it with the `client` to run on, where it loads itself.

    Text and SHA-1 are cached for the process.
    """
    text = files("tasks").joinpath("transport", "lua", f"{name}.lua").read_text(encoding="utf-8")
    before = clocked(settings.alerts) if "add_event" in text else lua("clock")
    return Script(_ENCODES, before + text)


_ENCODES = Redis()
"""Opens no connection: a `Script` needs a client's encoding of text."""

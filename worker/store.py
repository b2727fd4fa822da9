"""The shared store: one Redis client, the scripts, every key of ours.

| key | type | content | lifetime |
|---|---|---|---|
| `{ns}:breaker:<provider>` | hash | state of the breaker, see lua/breaker.lua | 24 h from its last write |
| `{ns}:breaker:<provider>:window` | string | ring of the last 100 outcomes | as its breaker |
| `{ns}:breaker:<provider>:leases` | zset | half-open permits -> deadline | 24 h, emptied at each change of state |
| `{ns}:events` | stream | what changed, about 10,000 entries | bounded, not expiring |
| `{ns}:task:<id>` | hash | fingerprint, lease, step, answer: lua/begin.lua | 24 h, `results.expires` once answered |
| `{ns}:task:<id>:journal` | list | a line per provider considered | 24 h from the last line |
| `{ns}:failed` | zset | task that failed for good -> ms, the newest `results.max_failed` | as the newest |
| `{ns}:failed:<id>` | hash | why, and its request; see lua/letter.lua | `results.expires`, or until its replay |
| `{ns}:probe:<provider>:<slot>` | string | taken by the one probe of a slot | two intervals |
| `{ns}:health:<provider>:probes` | list | the last 100 probes, newest first | 24 h from the last probe |
| `{ns}:models:<provider>` | hash | the models of its own list, see lua/registry.lua | 24 h from the last list |
| `{ns}:waiting` | hash | messages of the completions that wait, see lua/park.lua | until the last has left |
| `{ns}:waiting:rooms`, `:room:<room>`, `:room:<room>:deadlines` | zset | who waits where, for whom | as `waiting` |
| `{ns}:waiting:pace` | hash | how many may leave, see lua/release.lua | seconds after the last look |
| `{ns}:unacked`, `{ns}:unacked_index` | hash, zset | messages in the workers' hands, see tasks/transport | until done |
| `{ns}:quarantine` | list | queue messages that nobody can read, newest first; at most 100 | a week from the last |
| `{ns}:counters` | hash | what the fleet counted, see worker/metrics.py | kept: a few numbers |

The braces are part of the key: a hash tag, which keeps everything in one slot of a cluster.
"""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha1
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as RedisTimeoutError

from config.providers import Provider
from worker.client import client, refuses_writes
from worker.connection import Command, Connections
from worker.errors import StoreAway
from worker.outage import Outage

SOCKET_TIMEOUT = 2.0
"""Seconds that one call may wait: redis-py's defaults are still blocked after 45 s.

Of calls by 300 threads on two overfull cores none of 104,440 gave up after 2 s, none of 9,918 after 1 s, but 41 of
6,343 after 0.25 s, and 96 of 2,300 over TLS; in another run 17 of 44,887 after 1 s (docs/away-bench.md).
"""

KEEP = 86_400
"""Seconds that the keys of an unanswered task outlive their last touch: the longest that one may take."""

_BREAKER_SCRIPTS = ("acquire", "record", "extend", "control", "probed", "snapshot", "release")
_CLOCKED_SCRIPTS = ("begin", "claim", "refuse", "letter", "replay", "settle", "renew", "registry", "park")


def lua(name: str) -> str:
    """Returns the text of a file of worker/lua."""
    return files("worker").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def _settings_table(providers: Mapping[str, Provider]) -> str:
    """Returns the table SETTINGS; a row is made when it is first asked for, which is cheaper than all of them."""
    rows = (f'if provider == "{name}" then row = {{ {_settings(each)} }} end' for name, each in providers.items())
    return f"""local SETTINGS = setmetatable({{}}, {{ __index = function(all, provider)
  local row
  {" ".join(sorted(rows))}
  all[provider] = row
  return row
end }})
"""


def _settings(provider: Provider) -> str:
    breaker, lease = provider.breaker, provider.connect_timeout + provider.first_token_timeout
    fields: dict[str, int | str] = {
        "failures": breaker.failure_threshold,
        "successes": breaker.success_threshold,
        "cooldown": round(breaker.cooldown_period * 1000),
        "lease": round(lease * 1000),
        "detect_failures": breaker.adaptive.failures,
        "detect_latency": breaker.adaptive.latency,
    }
    text = "/".join(map(str, fields.values()))
    return ", ".join(f"{name} = {json.dumps(value)}" for name, value in (fields | {"text": text}).items())


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and its SHA-1."""

    text: str
    sha: str


def scripts(providers: Mapping[str, Provider], part: Callable[[str], str] = lua) -> dict[str, Script]:
    """Returns the scripts by name; the breakers' settings are part of their text.

    Args:
        providers: those whose breakers the scripts serve.
        part: returns the text of a file of worker/lua by its name; a test may have other texts.
    """
    clock = part("clock")
    shared = _settings_table(providers) + clock + part("breaker")
    texts = {name: shared + part(name) for name in _BREAKER_SCRIPTS}
    texts["record"] = shared + part("detectors") + part("record")
    texts |= {name: clock + part("identity") + part(name) for name in _CLOCKED_SCRIPTS}
    return {name: Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest()) for name, text in texts.items()}


def hash_tag(namespace: str) -> str:
    """Returns what every key of a fleet begins with, the colon apart."""
    return f"{{{namespace}}}"


def _away(cause: Exception) -> StoreAway:
    return StoreAway(f"the shared store is away ({type(cause).__name__})")


class Store:
    """One process's way to the shared store. Its methods may be called from many threads.

    Every call waits for at most about `SOCKET_TIMEOUT` and is never sent twice: a lost record is harmless, a
    double one is not. While the server is away, one call in `ASK_AGAIN` asks, and the others fail at once.
    """

    def __init__(
        self,
        url: str,
        namespace: str,
        providers: Mapping[str, Provider],
        *,
        expires: float = 86_400.0,
        max_failed: int = 10_000,
        part: Callable[[str], str] = lua,
    ) -> None:
        """Connects lazily, at the first call.

        Args:
            url: as `client` takes it.
            namespace: the prefix of every key.
            providers: those whose breakers this store serves.
            expires: seconds that a task's answer is kept.
            max_failed: how many that failed for good are kept.
            part: see `scripts`.
        """
        self._url = url
        self._tag = hash_tag(namespace)
        self._scripts = scripts(providers, part)
        self.outage = Outage()
        self.expires = math.ceil(expires)  # EXPIRE with 0 deletes
        self.max_failed = max_failed
        self.events = f"{self._tag}:events"
        self.counters = f"{self._tag}:counters"
        self.failed = f"{self._tag}:failed"
        self.quarantine = f"{self._tag}:quarantine"

    @cached_property
    def _connections(self) -> Connections:
        return Connections(self.redis)

    @cached_property
    def redis(self) -> Redis:
        """The client; answers are decoded."""
        return client(self._url, SOCKET_TIMEOUT)

    def close(self) -> None:
        """Closes this thread's connection."""
        self._connections.close()

    def breaker(self, provider: str) -> str:
        """Returns the key of a provider's breaker."""
        return f"{self._tag}:breaker:{provider}"

    def window(self, provider: str) -> str:
        """Returns the key of a provider's last outcomes."""
        return f"{self._tag}:breaker:{provider}:window"

    def task(self, task_id: str) -> str:
        """Returns the key of a task."""
        return f"{self._tag}:task:{task_id}"

    def journal(self, task_id: str) -> str:
        """Returns the key of a task's journal."""
        return f"{self._tag}:task:{task_id}:journal"

    def letter(self, task_id: str) -> str:
        """Returns the key of what is kept of a task that failed for good."""
        return f"{self.failed}:{task_id}"

    def probe_slot(self, provider: str, slot: int) -> str:
        """Returns the key that the one probe of a slot takes."""
        return f"{self._tag}:probe:{provider}:{slot}"

    def probes(self, provider: str) -> str:
        """Returns the key of a provider's last probes."""
        return f"{self._tag}:health:{provider}:probes"

    def models(self, provider: str) -> str:
        """Returns the key of a provider's models."""
        return f"{self._tag}:models:{provider}"

    def waiting(self, *parts: str) -> str:
        """Returns a key of the completions that wait; without parts that of their messages."""
        return ":".join((f"{self._tag}:waiting", *parts))

    def script(self, name: str, keys: Sequence[str], *args: str | int | float) -> Command:
        """Returns the command that runs a script by its SHA."""
        return ("EVALSHA", self._scripts[name].sha, len(keys), *keys, *args)

    def run(self, *commands: Command, raw: bool = False) -> list[Any]:
        """Returns the replies of the commands, sent in one round trip; `raw` ones are bytes.

        Scripts that the server does not know (a restart forgets them) are loaded, and only they are sent again.

        Raises:
            StoreAway: the server could not be reached, or did not answer in time, now or when it was last asked; or it
                refuses every write.
            redis.exceptions.ResponseError: the server refused a command.
        """
        if cause := self.outage.refusal():
            raise _away(cause) from cause
        asked_at = time.monotonic()
        try:
            replies = self._connections.send(commands, raw=raw)
            unknown = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if unknown:
                self._load()
                again = self._connections.send([commands[i] for i in unknown])
                for i, reply in zip(unknown, again, strict=True):
                    replies[i] = reply
        except (RedisConnectionError, RedisTimeoutError, OSError) as exc:
            self.outage.failed(asked_at, exc)
            raise _away(exc) from exc
        self.outage.answered(asked_at)
        for reply in replies:
            if isinstance(reply, Exception) and refuses_writes(reply):
                raise _away(reply) from reply
            if isinstance(reply, Exception):
                raise reply
        return replies

    def _load(self) -> None:
        # At once, or others would find the second script of a pipeline loaded and the first not yet.
        loads = (("SCRIPT LOAD", script.text) for script in self._scripts.values())
        self._connections.send([("MULTI",), *loads, ("EXEC",)])

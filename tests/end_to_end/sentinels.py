"""A master, its replicas and three Sentinels on this machine."""

from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from tasks.local import valkey
from tasks.local.fleet import Fleet
from tasks.local.ports import free_port
from tasks.local.process import Process
from tasks.local.readiness import writes
from tests.waiting import wait_until

DOWN_AFTER = 1.0
"""Seconds of silence after which a Sentinel takes the master for dead."""

PASSWORD = "of-the-servers"
_LOGIN = f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\n"
_SERVER = _LOGIN + "appendonly yes\nappendfsync everysec\nsave ''\nrepl-diskless-sync-delay 0\n"
_WATCH = f"""sentinel monitor mymaster 127.0.0.1 {{master}} 2
sentinel auth-pass mymaster {PASSWORD}
sentinel down-after-milliseconds mymaster {DOWN_AFTER * 1000:.0f}
sentinel failover-timeout mymaster 6000
"""


@dataclass(frozen=True)
class Watched:
    """Servers by their port, the first of which began as the master, and the Sentinels' ports."""

    servers: dict[int, Process]
    sentinels: tuple[int, ...]

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"sentinel://:{PASSWORD}@{places}/0"

    def master(self) -> int:
        """Returns the port of the master, as the first Sentinel knows it."""
        with Redis(port=self.sentinels[0], decode_responses=True) as asked:
            return int(asked.sentinel_master("mymaster")["port"])

    def client(self, port: int) -> Redis:
        return Redis(port=port, password=PASSWORD, decode_responses=True)

    def stands(self) -> bool:
        """Says whether every Sentinel knows the others and each replica is in step with the master."""
        with self.client(self.master()) as master:
            replicas = master.info("replication")
        in_step = [f"slave{n}" for n in range(len(self.servers) - 1) if _online(replicas.get(f"slave{n}"))]
        return len(in_step) == len(self.servers) - 1 and all(map(self._knows, self.sentinels))

    def _knows(self, port: int) -> bool:
        with Redis(port=port, decode_responses=True) as asked:
            state = asked.sentinel_master("mymaster")
        return (state["num-other-sentinels"], state["num-slaves"]) == (2, len(self.servers) - 1)


def start(fleet: Fleet, replicas: int = 1) -> Watched:
    """Starts all of them and waits until they know each other."""
    master, *others = (free_port() for _ in range(replicas + 1))
    servers = {master: _start(fleet, "master", master, _SERVER)}
    for port in others:
        servers[port] = _start(fleet, f"replica-{port}", port, f"{_SERVER}replicaof 127.0.0.1 {master}\n")
    sentinels = (free_port(), free_port(), free_port())
    for port in sentinels:
        _start(fleet, f"sentinel-{port}", port, _WATCH.format(master=master), "--sentinel")
    watched = Watched(servers, sentinels)
    wait_until(watched.stands)
    return watched


def _start(fleet: Fleet, name: str, port: int, settings: str, *options: str) -> Process:
    folder: Path = fleet.folder / name
    folder.mkdir()
    written = folder / "server.conf"
    written.write_text(f"port {port}\nbind 127.0.0.1\ndir {folder}\n{settings}", encoding="utf-8")
    command = [str(valkey.packaged_binary()), str(written), *options]
    return fleet.start(name, command, ready=writes("monitor master" if options else "Ready to accept connections"))


def _online(replica: object) -> bool:
    return isinstance(replica, dict) and replica["state"] == "online" and replica["lag"] <= 1

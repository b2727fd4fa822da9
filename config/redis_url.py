"""The URL of Redis: of a server, or of the Sentinels that name the server."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit

_SCHEMES = ("redis", "rediss", "sentinel")
_ONLY_REDIS = "the shared state, the visibility heartbeat and the results need Redis"
_NO_PORT = "has no valid host and port; a password's special characters are written as %XX"
_SENTINEL_FORM = "must be sentinel://[user:password@]host[:port],...[/database][?master=name]"


@dataclass(frozen=True, slots=True)
class Sentinels:
    """Sentinels and the master's name. User and password are those of the server, not of the Sentinels."""

    places: tuple[tuple[str, int], ...]
    master: str
    database: int
    user: str | None
    password: str | None = field(repr=False)

    @property
    def celery_url(self) -> str:
        """Returns the form that Celery and kombu read: one URL per Sentinel; the master's name is in their options."""
        user, password = (quote(each or "", safe="") for each in (self.user, self.password))
        login = f"{user}:{password}@" if password else ""
        return ";".join(f"sentinel://{login}{_host(host)}:{port}/{self.database}" for host, port in self.places)


def check(url: str) -> str:
    """Returns the URL unchanged if it is valid.

    Raises:
        ValueError: with the reason, and without the URL.
    """
    scheme = url.partition("://")[0] if "://" in url else ""
    if re.fullmatch(r"[a-z][a-z0-9+.-]{0,20}", scheme) and scheme not in _SCHEMES:
        raise ValueError(f"{scheme}:// cannot be the broker: {_ONLY_REDIS}")
    if scheme not in _SCHEMES:
        raise ValueError("must begin with redis://, rediss:// or sentinel://")
    if scheme == "sentinel":
        sentinels(url)
    elif not _has_port(url):
        raise ValueError(_NO_PORT)
    return url


def sentinels(url: str) -> Sentinels | None:
    """Returns the Sentinels of a `sentinel://` URL, None for the URL of a server.

    Raises:
        ValueError: with the reason, and without the URL.
    """
    if not url.startswith("sentinel://"):
        return None
    try:
        netloc = _netloc(url)
        parts = urlsplit(url.removeprefix(f"sentinel://{netloc}"))
        login, _, hosts = netloc.rpartition("@")
        user, _, password = map(unquote, login.partition(":"))
        [(name, master)] = parse_qsl(parts.query, strict_parsing=True) if parts.query else [("master", "mymaster")]
        places = tuple(map(_place, hosts.split(",")))
        if name != "master" or parts.netloc or parts.fragment:
            raise ValueError
        return Sentinels(places, master, int(parts.path[1:] or 0), user or None, password or None)
    except ValueError:
        raise ValueError(_SENTINEL_FORM) from None


def with_password(url: str, password: str) -> str:
    """Returns the URL with this password, unless it already has one."""
    if has_password(url):
        return url
    scheme, _, rest = url.partition("://")
    login, at, _ = _netloc(url).rpartition("@")
    return f"{scheme}://{login}:{quote(password, safe='')}@{rest.removeprefix(login + at)}"


def has_password(url: str) -> bool:
    """Returns whether the URL has a password, even an empty one."""
    return ":" in _netloc(url).rpartition("@")[0]


def shown(url: str) -> str:
    """Returns the URL without user and password."""
    if found := sentinels(url):
        places = ",".join(f"{_host(host)}:{port}" for host, port in found.places)
        return f"sentinel://{places}/{found.database}?master={found.master}"
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}{parts.path}"


def _netloc(url: str) -> str:
    return re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]


def _place(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.port == 0 or parts.path:
        raise ValueError
    return parts.hostname, parts.port or 26379


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _has_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False

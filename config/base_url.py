"""Checks a provider's base URL, which may appear in logs and so must hold no password."""

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

_NOT_PUBLIC = (".localhost", ".local", ".internal", ".home.arpa", ".test", ".invalid", ".svc")
"""Top-level names that are never those of a public host (RFC 6761, 6762 and 8375, and ICANN for `.internal`).

Nobody has `.svc`, in which Kubernetes finds `service.namespace.svc`; its `.cluster.local` is in `.local`.
"""

_LABEL = re.compile(r"(?!0x[0-9a-f]*$)(?![0-9]+$)[a-z0-9_-]+")
"""A name without a dot, such as a Docker Compose service; a bare number is an address: 134744072 is 8.8.8.8."""


_SERVICE = re.compile(r"[a-z][a-z0-9-]*\.(?!(?:com|io|net|org)$)[a-z][a-z0-9-]*")
"""`service.namespace`, as Kubernetes writes it. A namespace may be called as a country is: `vllm.ml`."""

_PUBLIC_PORTS = (None, 80, 443)


_OWN = {
    "openai": ("/chat/completions",),
    "llama_cpp": ("/v1/chat/completions", "/v1"),
    "anthropic": ("/v1/messages", "/v1"),
}
"""What a dialect appends itself to a base URL, and people copy with it."""


def check(url: str, allow_http: bool, dialect: str = "", path: str = "") -> str:
    """Returns a base URL without a slash at its end; an empty text means none.

    What the dialect appends goes from its end, and `path` comes there where it has none or only the beginning of it.

    Raises:
        ValueError: with the reason, and without the URL.
    """
    if url and not _is_base_url(url):
        raise ValueError("must be http:// or https://, a host and at most a path, without user, password or query")
    if url and not allow_http and is_public_http(url):
        raise ValueError("is http:// to a public host, which shows everybody key and prompts; https:// or allow_http")
    return _completed(url.rstrip("/"), dialect, path)


def _completed(url: str, dialect: str, path: str) -> str:
    url = url.removesuffix(next(filter(url.endswith, _OWN.get(dialect, ())), ""))
    given = urlsplit(url).path
    return url.removesuffix(given) + path if url and f"{path}/".startswith(f"{given}/") else url


def _is_base_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = url.isprintable() and not any(character in url for character in " ?#@")
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def is_public_http(url: str) -> bool:
    """Returns whether a URL is http:// to a host that is not private, by its look."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "http" and not (_is_private(host) or _is_service(host, parts.port))


def _is_service(host: str, port: int | None) -> bool:
    """Returns whether host and port are those of a service of Kubernetes, by their look.

    The name alone may be public, too. But vendors have longer names or no port: what this check is there for, `http://`
    in place of `https://`, has neither.
    """
    return port not in _PUBLIC_PORTS and bool(_SERVICE.fullmatch(host))


def _is_private(host: str) -> bool:
    """Returns whether a host is on this machine or in a private network, without a DNS query."""
    try:
        address = ip_address(host)
    except ValueError:
        return bool(_LABEL.fullmatch(host)) or (host.isascii() and host.removesuffix(".").endswith(_NOT_PUBLIC))
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_private

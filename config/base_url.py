"""Checks a provider's base URL, which may appear in logs and so must hold no password."""

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

_NOT_PUBLIC = (".localhost", ".local", ".internal", ".home.arpa", ".test", ".invalid")
"""Top-level names that are never those of a public host (RFC 6761, 6762 and 8375, and ICANN for `.internal`)."""

_LABEL = re.compile(r"(?!0x[0-9a-f]*$)(?![0-9]+$)[a-z0-9_-]+")
"""A name without a dot, such as a Docker Compose service; a bare number is an address: 134744072 is 8.8.8.8."""


def check(url: str, allow_http: bool) -> str:
    """Returns a base URL without a slash at its end; an empty text means none.

    Raises:
        ValueError: with the reason, and without the URL.
    """
    if url and not _is_base_url(url):
        raise ValueError("must be http:// or https://, a host and at most a path, without user, password or query")
    if url and not allow_http and _is_public_http(url):
        raise ValueError("is http:// to a public host, which shows everybody key and prompts; https:// or allow_http")
    return url.rstrip("/")


def _is_base_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = url.isprintable() and not any(character in url for character in " ?#@")
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def _is_public_http(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_private(parts.hostname or "")


def _is_private(host: str) -> bool:
    """Returns whether a host is on this machine or in a private network, without a DNS query."""
    try:
        address = ip_address(host)
    except ValueError:
        return bool(_LABEL.fullmatch(host)) or (host.isascii() and host.removesuffix(".").endswith(_NOT_PUBLIC))
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_private

"""A provider's key and secret headers as they are now: those that stand in files are read again.

Each file is read again every minute, and after an answer that may mean a wrong key. Settings stay frozen: they know the
file, and what it held at the start.
"""

import hashlib
import logging
import threading
import time
from functools import lru_cache
from pathlib import Path

from pydantic import SecretStr

from config.headers import secrets
from config.providers import Provider
from config.secret_file import SecretFile

EVERY = 60.0
"""Seconds after which a file is read again."""

REFUSALS = frozenset((400, 401, 403))
"""Statuses of a wrong key: xAI and Gemini answer 400."""

_log = logging.getLogger(__name__)


class _File:
    """What a file holds. A file that is missing, empty or not text keeps what it held before."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self.texts: tuple[str, ...] = (text,)
        self._read_at = -EVERY  # the settings may have been read long ago
        self._is_readable = True
        self._lock = threading.Lock()

    def text(self) -> str:
        """Returns the text, at most a minute old."""
        if time.monotonic() - self._read_at >= EVERY and self._lock.acquire(blocking=False):
            try:
                self._read()
            finally:
                self._lock.release()
        return self.texts[-1]

    def read(self) -> None:
        """Reads the file now."""
        with self._lock:
            self._read()

    def _read(self) -> None:
        self._read_at = time.monotonic()
        try:
            text = Path(self._path).read_text("utf-8-sig").strip()
            problem = None if text and text.isascii() and text.isprintable() else "no key in it"
        except (OSError, ValueError) as exc:
            problem = type(exc).__name__
        if problem:
            if self._is_readable:
                _log.warning("key-file-unreadable file=%s reason=%s", self._path, problem)
        elif text != self.texts[-1]:
            self.texts = (*self.texts[-2:], text)
            _log.warning("key-file-changed file=%s", self._path)
        self._is_readable = problem is None


_files: dict[str, _File] = {}


def current(secret: SecretStr) -> str:
    """Returns a secret as it is now."""
    return _file(secret).text() if isinstance(secret, SecretFile) else secret.get_secret_value()


def in_use(provider: Provider) -> tuple[str, ...]:
    """Returns what the next request to a provider is sent with; see `have_changed`."""
    return tuple(map(current, _secrets(provider)))


def fingerprint(provider: Provider, namespace: str) -> str:
    """Returns what tells two of a provider's keys apart and reveals nothing of either; empty without a key.

    It is three bytes of a slow hash, whose salt is the fleet's and the provider's name: too few to confirm a guess, and
    another fleet's are others.
    """
    used = in_use(provider)
    return _fingerprint("\0".join(used), f"{namespace}/{provider.name}") if any(used) else ""


@lru_cache(maxsize=256)
def _fingerprint(secret: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), salt.encode(), 50_000, 3).hex()


def have_changed(provider: Provider, used: tuple[str, ...]) -> bool:
    """Reads the files again and returns whether a provider's secrets differ from those that were used."""
    for secret in _secrets(provider):
        if isinstance(secret, SecretFile):
            _file(secret).read()
    return in_use(provider) != used


def ever_used(provider: Provider) -> list[str]:
    """Returns the secrets that an answer may quote: those of now, and the ones before them."""
    found = _secrets(provider)
    return [
        text for each in found for text in (_file(each).texts if isinstance(each, SecretFile) else (current(each),))
    ]


def _secrets(provider: Provider) -> list[SecretStr]:
    return ([provider.api_key] if provider.api_key else []) + secrets(provider.headers)


def _file(secret: SecretFile) -> _File:
    known = _files.get(secret.path)
    return known or _files.setdefault(secret.path, _File(secret.path, secret.get_secret_value()))

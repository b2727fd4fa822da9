"""What a provider said about a failure, fit to be shown and kept."""

import re
from collections.abc import Iterable

MOST = 300
TELLING = 12
"""Characters of a text that errors do not name by chance, as they do `object` or `quota`."""

_GRAM = 16
_SHORTEST = 4
_GONE = "[...]"
_WORD = re.compile(r"[\w.-]{1,64}")
_ESCAPE = re.compile(r"""\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))""")


def word(value: object, secrets: Iterable[str] = ()) -> str | None:
    """Returns a code word that a provider sent; None of anything else, and where it quotes a secret of some length."""
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        return None
    return None if any(len(secret) >= TELLING and secret in value for secret in secrets) else value


def told(text: str, secrets: Iterable[str]) -> str:
    """Returns a provider's words in one line of at most 300 characters, without what is secret in them.

    A provider quotes what it was sent, whole or in part. Gone are each secret of 4 characters and more, and each piece
    of 31 and more that also stands in a secret: such a piece holds one of the 16 that begin at a multiple of 16. A
    secret may be quoted as JSON or Python write it, with escapes.
    """
    known = [" ".join(secret.split()) for secret in secrets]
    line = _without(" ".join(text[: 10 * MOST].split()), known)
    if "\\" in line:
        line = _without(" ".join(_unescaped(line).split()), known)
    return line[:MOST]


def _without(line: str, known: Iterable[str]) -> str:
    for secret in known:
        if len(secret) >= _SHORTEST:
            line = line.replace(secret, _GONE)
    line = line[: 2 * MOST]
    for secret in known:
        line = _without_pieces(line, secret)
    return line


def _unescaped(line: str) -> str:
    text = _ESCAPE.sub(_meant, line)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # where halves of a pair meet


def _meant(escape: re.Match[str]) -> str:
    number = escape[1] or escape[2]
    if number:
        return chr(int(number, 16))
    return " " if escape[3] in "nrtvbf" else escape[3]


def _without_pieces(line: str, secret: str) -> str:
    at = 0
    while at + _GRAM <= len(line):
        found = secret.find(line[at : at + _GRAM])
        if found < 0:
            at += _GRAM
            continue
        start, end = _grown(line, secret, at, found)
        line = line[:start] + _GONE + line[end:]
        at = start + len(_GONE)
    return line


def _grown(line: str, secret: str, at: int, found: int) -> tuple[int, int]:
    before = 0
    while before < min(at, found) and line[at - before - 1] == secret[found - before - 1]:
        before += 1
    after = _GRAM
    while at + after < len(line) and found + after < len(secret) and line[at + after] == secret[found + after]:
        after += 1
    return at - before, at + after

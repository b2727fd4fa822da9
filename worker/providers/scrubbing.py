"""Removes secrets from a provider's error texts, so that they can be shown and stored."""

import re
from collections.abc import Iterable

MOST = 300
TELLING = 12
"""Characters from which on a text does not occur in errors by chance, as `object` or `quota` do."""

_GRAM = 16
_SHORTEST = 4
_REMOVED = "[...]"
_WORD = re.compile(r"[\w.-]{1,64}")
_ESCAPE = re.compile(r"""\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))""")


def code_word(value: object, secrets: Iterable[str] = ()) -> str | None:
    """Returns an error code of a provider; None if it is none, or quotes a secret of `TELLING` characters."""
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        return None
    return None if any(len(secret) >= TELLING and secret in value for secret in secrets) else value


def scrubbed(text: str, secrets: Iterable[str], most: int = MOST) -> str:
    """Returns a provider's text as one line of at most `most` characters, without secrets.

    A provider may quote the request, whole or in part. Removed are:

    1. Each secret of 4 or more characters.
    2. Each piece of 31 or more characters that is also part of a secret: such a piece contains 16 characters that begin
       at a multiple of 16.
    3. The same if it is quoted with the escapes of JSON or Python.
    """
    known = [" ".join(secret.split()) for secret in secrets]
    line = _without(" ".join(text[: 10 * most].split()), known, most)
    if "\\" in line:
        line = _without(" ".join(_unescaped(line).split()), known, most)
    return line[:most]


def _without(line: str, known: Iterable[str], most: int) -> str:
    for secret in known:
        if len(secret) >= _SHORTEST:
            line = line.replace(secret, _REMOVED)
    line = line[: 2 * most]
    for secret in known:
        line = _without_pieces(line, secret)
    return line


def _unescaped(line: str) -> str:
    text = _ESCAPE.sub(_unescaped_character, line)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins the halves of a surrogate pair


def _unescaped_character(escape: re.Match[str]) -> str:
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
        line = line[:start] + _REMOVED + line[end:]
        at = start + len(_REMOVED)
    return line


def _grown(line: str, secret: str, at: int, found: int) -> tuple[int, int]:
    before = 0
    while before < min(at, found) and line[at - before - 1] == secret[found - before - 1]:
        before += 1
    after = _GRAM
    while at + after < len(line) and found + after < len(secret) and line[at + after] == secret[found + after]:
        after += 1
    return at - before, at + after

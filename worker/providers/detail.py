"""What a provider said about a failure, fit to be shown and kept."""

from collections.abc import Iterable

MOST = 300
_GRAM = 16
_SHORTEST = 4
_GONE = "[...]"


def told(text: str, secrets: Iterable[str]) -> str:
    """Returns a provider's words in one line of at most 300 characters, without what is secret in them.

    A provider quotes what it was sent, whole or in part. Gone are each secret of 4 characters and more, and each piece
    of 31 and more that also stands in a secret: such a piece holds one of the 16 that begin at a multiple of 16.
    """
    known = [" ".join(secret.split()) for secret in secrets]
    line = " ".join(text[: 10 * MOST].split())
    for secret in known:
        if len(secret) >= _SHORTEST:
            line = line.replace(secret, _GONE)
    line = line[: 2 * MOST]
    for secret in known:
        line = _without_pieces(line, secret)
    return line[:MOST]


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

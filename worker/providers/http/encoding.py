"""Decodes bodies that come encoded although none was asked for, as some proxies send them."""

import zlib
from collections.abc import Callable

from worker.errors import AttemptFailed

_MOST = 16_000_000
"""Bytes that one piece may become: a small body must not fill a worker's memory."""


def decoder(encoding: str | None) -> Callable[[bytes], bytes] | None:
    """Returns what decodes the pieces of a body in order, None for one that is not encoded.

    Raises:
        AttemptFailed: `malformed`, the encoding is not gzip or deflate; so does a call with other bytes.
    """
    name = (encoding or "identity").strip().lower()
    if name in ("identity", ""):
        return None
    if name not in ("gzip", "x-gzip", "deflate"):
        raise AttemptFailed("malformed", f"a body in {name[:20]!a}, which was not asked for")
    unzip = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def decode(piece: bytes) -> bytes:
        try:
            return unzip.decompress(piece, _MOST)
        except zlib.error:
            pass
        raise AttemptFailed("malformed", f"a body that is not the {name} that it says")

    return decode

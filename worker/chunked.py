"""Takes HTTP's chunked coding (RFC 9112, 7.1) apart, many chunks in one go.

`http.client` hands out one chunk for each call, and a provider sends one chunk for each token: reading what has come
at once and splitting it here costs a third.
"""

from worker.errors import AttemptFailed

_LONGEST_LINE = 4_096


class Chunked:
    """The state of one body. `ended` is None until the last chunk came, then whether nothing came after it."""

    def __init__(self) -> None:
        self.ended: bool | None = None
        self._line = b""
        self._left = 0  # of the current chunk with the line end that follows it
        self._trailing = False

    def feed(self, coded: bytes) -> bytes:
        """Returns the body's bytes that are in the next bytes of the connection.

        Raises:
            AttemptFailed: `malformed`, this is not the coding.
        """
        coded, self._line = self._line + coded, b""
        pieces, at = [coded[: max(0, self._left - 2)]], min(self._left, len(coded))
        self._left -= at
        while at < len(coded) and self.ended is None:
            end = coded.find(b"\r\n", at)
            if end < 0:
                self._keep(coded[at:])
                break
            start = end + 2
            if self._trailing:
                self.ended = start == len(coded) if end == at else None
                at = start
                continue
            size = self._size(coded[at:end])
            pieces.append(coded[start : start + size])
            at = start + size + 2 if size else start
            self._left = max(0, at - len(coded))
        return b"".join(pieces)

    def _keep(self, line: bytes) -> None:
        if len(line) > _LONGEST_LINE:
            raise AttemptFailed("malformed", "not HTTP: a line of the chunked coding is too long")
        self._line = line

    def _size(self, line: bytes) -> int:
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            size = -1
        if size < 0:
            raise AttemptFailed("malformed", "not HTTP: the size of a chunk is not a number")
        self._trailing = not size
        return size

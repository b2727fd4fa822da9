"""Takes HTTP's chunked coding off a body, below h11.

Servers send a chunk per token. h11 takes two thirds of all the CPU of reading them, as long for a chunk of a few bytes
as for one of many thousand.
"""

import re

_CHUNKED = b"\r\ntransfer-encoding: chunked\r\n"
_FIRST = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_NEXT = re.compile(rb"\r\n([0-9A-Fa-f]{1,8})\r\n")
_PART = {
    _FIRST: re.compile(rb"[0-9A-Fa-f]{0,8}\r?"),
    _NEXT: re.compile(rb"\r?|\r\n[0-9A-Fa-f]{0,8}\r?"),
}
"""What may be the start of a chunk's size. After the first chunk, the line end of the one before comes with it."""

_NO_SIZE = b"none\r\n"
"""What h11 sees where a chunk does not end as it must: it refuses it."""


class Chunks:
    """The chunks of one response after the other, on one connection.

    What is not usual goes to h11, which judges it: another head, extensions, the last chunk and what follows it.
    """

    def __init__(self) -> None:
        self.begin([])

    def begin(self, body: list[bytes]) -> None:
        """Expects the head of a response; what the chunks hold is added to `body`."""
        self._body = body
        self._is_head, self._is_body = True, False
        self._size = _FIRST
        self._left = 0
        self._part = b""

    def take(self, read: bytes) -> bytes:
        """Takes the next bytes; returns those that h11 is to see."""
        if self._is_head:
            self._is_head = False
            end = read.find(b"\r\n\r\n") + 4
            head = read[:end].lower()
            self._is_body = head.startswith(b"http/1.1 200 ") and _CHUNKED in head
            return read[:end] + self._rest(read[end:]) if self._is_body else read
        return self._rest(read) if self._is_body else read

    def _rest(self, read: bytes) -> bytes:
        """Takes the chunks off the body; returns what follows them, or is none."""
        data, at = self._part + read, 0
        self._part = b""
        while True:
            if self._left:
                piece = data[at : at + self._left]
                if piece:
                    self._body.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    return b""
            size = self._size.match(data, at)
            self._left = int(size[1], 16) if size else 0
            if size and self._left:
                at, self._size = size.end(), _NEXT
            elif _PART[self._size].fullmatch(data, at):
                self._part = data[at:]
                return b""
            else:
                return self._unusual(data[at:])

    def _unusual(self, rest: bytes) -> bytes:
        """Returns what h11 sees from here on. It has seen no chunk, so the line end of the last one is not for it."""
        self._is_body = False
        if self._size is _FIRST:
            return rest
        return rest.removeprefix(b"\r\n") if rest.startswith(b"\r\n") else _NO_SIZE

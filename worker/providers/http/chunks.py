"""Joins the chunks of HTTP's chunked coding that came together, before h11 sees them.

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


class Chunks:
    """The chunks of one response after the other, on one connection.

    What is not usual passes unchanged, for h11 to judge: another head, extensions, the last chunk and what follows it.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Expects the head of a response."""
        self._is_head, self._is_body = True, False
        self._size = _FIRST
        self._left = 0
        self._part = b""

    def join(self, read: bytes) -> bytes:
        """Returns what h11 is to see of the next bytes; nothing where only a part of a chunk's size has come."""
        if self._is_head:
            self._is_head = False
            end = read.find(b"\r\n\r\n") + 4
            head = read[:end].lower()
            self._is_body = head.startswith(b"http/1.1 200 ") and _CHUNKED in head
            return read[:end] + self._joined(read[end:]) if self._is_body else read
        return self._joined(read) if self._is_body else read

    def _joined(self, read: bytes) -> bytes:
        data, at, pieces = self._part + read, 0, list[bytes]()
        self._part = b""
        while True:
            if self._left:
                pieces.append(data[at : at + self._left])
                at += len(pieces[-1])
                self._left -= len(pieces[-1])
                if self._left:
                    return _chunk(pieces)
            size = self._size.match(data, at)
            self._left = int(size[1], 16) if size else 0
            if size and self._left:
                at, self._size = size.end(), _NEXT
            elif _PART[self._size].fullmatch(data, at):
                self._part = data[at:]
                return _chunk(pieces)
            else:
                return _chunk(pieces) + self._unusual(data[at:])

    def _unusual(self, rest: bytes) -> bytes:
        """Returns what passes unchanged from here on; h11 has seen the end of the last chunk."""
        self._is_body = False
        return rest.removeprefix(b"\r\n") if self._size is _NEXT else rest


def _chunk(pieces: list[bytes]) -> bytes:
    body = b"".join(pieces)
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""

"""Parses an event stream: bytes in, whole events out."""

from worker.errors import AttemptFailed

MOST = 8_000_000
"""Bytes of one stream: far more than any answer, far less than a worker's memory."""


class Events:
    """Collects a stream and returns, chunk by chunk, the events that are complete. Line ends become newlines."""

    def __init__(self) -> None:
        self._events: list[bytes] = []
        self._open: list[bytes] = []
        self._size = 0
        self._return = False

    def feed(self, chunk: bytes) -> bytes:
        """Returns the bytes of the events that this chunk completes, empty if it completes none.

        Raises:
            AttemptFailed: `malformed`, the stream is too long.
        """
        self._size += len(chunk)
        if self._size > MOST:
            raise AttemptFailed("malformed", f"the stream is longer than {MOST} bytes")
        if self._return or b"\r" in chunk:
            chunk = self._with_newlines(chunk)
        end = chunk.rfind(b"\n\n") + 2
        if end == 1:
            if not (self._open and self._open[-1].endswith(b"\n") and chunk.startswith(b"\n")):
                if chunk:
                    self._open.append(chunk)
                return b""
            end = 1
        self._open.append(chunk[:end])
        events = b"".join(self._open)
        self._events.append(events)
        self._open = [chunk[end:]] if end < len(chunk) else []
        return events

    def gathered(self, *, ended: bool) -> bytes:
        """Returns all events so far; includes an unfinished last event only if the stream `ended`."""
        last = b"".join(self._open) if ended else b""
        return b"".join(self._events) + last

    def _with_newlines(self, chunk: bytes) -> bytes:
        # A carriage return at the end may be half of a line end, so it is kept for the next chunk.
        chunk = b"\r" + chunk if self._return else chunk
        self._return = chunk.endswith(b"\r")
        whole = chunk[:-1] if self._return else chunk
        return whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def payloads(events: bytes) -> list[bytes]:
    """Returns the data of each event that has any, its lines joined."""
    if events.startswith(b"data: ") and events.endswith(b"\n\n"):
        lines = events[6:-2].split(b"\n\ndata: ")
        if events.count(b"\n") == 2 * len(lines):  # each event is one line of data, as most providers send
            return lines
    found = []
    for event in events.split(b"\n\n"):
        # Most providers send one line of data per event; Anthropic sends a name and one line.
        if event.startswith(b"data: ") and b"\n" not in event:
            found.append(event[6:])
        elif data := _data(event) or _tail(event):
            found.append(data)
    return found


def _tail(event: bytes) -> bytes:
    """Returns an object that stands in a stream without being an event of it, as gateways append their errors."""
    text = event.strip()
    return text if text.startswith((b"{", b"[{")) and text.endswith((b"}", b"]")) else b""


def _data(event: bytes) -> bytes:
    """Returns an event's data. llama.cpp has sent errors under `error:`, which other clients read likewise."""
    lines = event.split(b"\n")
    found = [line.partition(b":")[2].removeprefix(b" ") for line in lines if line.startswith((b"data:", b"error:"))]
    return b"\n".join(found)

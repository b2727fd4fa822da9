"""Splits a body, as its bytes come, into the payloads of its events: server-sent ones, lines of JSON, or one object."""

from worker.errors import AttemptFailed

MOST = 8_000_000
"""Bytes of one body: far more than any answer, far less than a worker's memory."""

DONE = b"[DONE]"
"""The payload that ends a stream on OpenAI's wire."""

_PINGS = (b"ping", b"keepalive", b"keep-alive", b"heartbeat")
_BOM = b"\xef\xbb\xbf"


class Payloads:
    """Collects a body and returns, chunk by chunk, the payloads that are complete.

    It reads what other clients read, beyond the standard:

    1. Events with one line end between them, or none after the last.
    2. llama.cpp's errors under `error:`.
    3. Pings whose data is no JSON, and comments that a gateway made data.
    4. Objects without `data:`, one a line or one in all: a plain answer to a streamed request, or an error that a
       gateway puts behind the events.
    """

    def __init__(self) -> None:
        self._start = b""
        self._is_json: bool | None = None
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._is_bare = False
        self._is_ping = False
        self._return = False
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Returns the payloads that this chunk completes.

        Raises:
            AttemptFailed: `malformed`, the body is too long.
        """
        self._size += len(chunk)
        if self._size > MOST:
            raise AttemptFailed("malformed", f"the answer is longer than {MOST} bytes")
        if self._return or b"\r" in chunk:
            chunk = self._with_newlines(chunk)
        if self._is_json is None:
            chunk = self._begin(chunk)
        if (
            not (self._line or self._data or self._is_ping or self._is_json)
            and chunk.endswith(b"\n\n")
            and (usual := _usual(chunk))
        ):
            return usual
        if chunk:
            self._line.append(chunk)
        if b"\n" not in chunk:
            return []  # a long line is joined once, when it ends
        *lines, last = b"".join(self._line).split(b"\n")
        self._line = [last] if last else []
        return self._payloads(lines)

    def end(self) -> list[bytes]:
        """Returns the payloads that the end of the body completes."""
        lines, self._line = [self._start, b"".join(self._line)], []
        return [*self._payloads(lines), *self._flush()]

    @property
    def is_empty(self) -> bool:
        """Returns whether nothing but white space has come."""
        return self._is_json is None and not self._start

    def _begin(self, chunk: bytes) -> bytes:
        """Returns the body so far once its first character shows what it is; nothing before that."""
        whole = self._start + chunk
        start = whole.removeprefix(_BOM).lstrip()
        if not start or _BOM.startswith(whole):
            self._start = whole if _BOM.startswith(whole) else b""
            return b""
        self._start, self._is_json = b"", start.startswith((b"{", b"["))
        return start

    def _payloads(self, lines: list[bytes]) -> list[bytes]:
        found: list[bytes] = []
        for line in lines:
            if line.startswith((b"data:", b"error:")):
                self._take(line.partition(b":")[2].strip(), found)
            elif self._is_json or self._is_bare or line.startswith((b"{", b"[{")):
                self._take_bare(line, found)
            elif not line:
                found += self._flush()
            elif line.startswith(b"event:"):
                self._is_ping = line[6:].strip() in _PINGS
        return found

    def _take(self, data: bytes, found: list[bytes]) -> None:
        if data.startswith(b":") or (self._is_ping and not data.startswith(b"{")):
            return
        if self._data and self._begins_another(data):
            found += self._flush()
        if data:
            self._data.append(data)

    def _take_bare(self, line: bytes, found: list[bytes]) -> None:
        if line.strip() or not self._is_json:
            self._take(line, found)
            self._is_bare = bool(self._data)
        if not line and not self._is_json:
            found += self._flush()

    def _begins_another(self, data: bytes) -> bool:
        """Returns whether data begin another event, although no blank line stands between."""
        first, last = self._data[0], self._data[-1]
        is_whole = first == DONE or (first.startswith(b"{") and last.endswith(b"}"))
        return is_whole and (data.startswith(b"{") or data == DONE)

    def _flush(self) -> list[bytes]:
        payload, self._data, self._is_bare, self._is_ping = b"\n".join(self._data), [], False, False
        return [payload] if payload else []

    def _with_newlines(self, chunk: bytes) -> bytes:
        # A carriage return at the end may be half of a line end, so it is kept for the next chunk.
        chunk = b"\r" + chunk if self._return else chunk
        self._return = chunk.endswith(b"\r")
        whole = chunk[:-1] if self._return else chunk
        return whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _usual(chunk: bytes) -> list[bytes] | None:
    """Returns the payloads of whole events of one line of data, as most servers send them; None for anything else."""
    if chunk.startswith(b"data: "):
        payloads, last = chunk[6:-2].split(b"\n\ndata: "), chunk.endswith(b"data: [DONE]\n\n")
        is_usual = chunk.count(b"\n") == 2 * len(payloads) and chunk.count(b"data: {") + last == len(payloads)
        return payloads if is_usual else None
    if chunk.startswith(b"event: "):  # Anthropic's, each with a name before
        events = chunk[:-2].split(b"\n\n")
        is_usual = chunk.count(b"\n") == 3 * len(events) and chunk.count(b"\ndata: {") == len(events)
        return [event.partition(b"\ndata: ")[2] for event in events] if is_usual else None
    return None

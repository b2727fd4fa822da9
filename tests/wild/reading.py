"""One attempt at a server that sends the bytes of an entry, over real HTTP."""

import gzip
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from config.providers import Provider
from tests.wild.corpus import Answered
from tests.worker.providers.asking import asked, provider
from tests.worker.providers.bare_server import Bare, chunk, sends, serving
from worker.request import CompletionRequest
from worker.result import Answer


@dataclass
class Body:
    """A response: its bytes, where its chunks begin, whether it is compressed, and whether it ends as it should."""

    text: bytes
    cuts: Sequence[int] = field(default_factory=list)
    is_gzip: bool = False
    is_closed: bool = False

    def parts(self) -> list[bytes]:
        """Returns what is sent, head and chunks."""
        whole = gzip.compress(self.text) if self.is_gzip else self.text
        places = [0, *sorted(min(cut, len(whole)) for cut in self.cuts), len(whole)]
        encoding = b"Content-Encoding: gzip\r\n" if self.is_gzip else b""
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + encoding + b"\r\n"
        chunks = [chunk(whole[a:b]) for a, b in itertools.pairwise(places) if a < b]
        return [head, *chunks, b"" if self.is_closed else b"0\r\n\r\n"]


@dataclass
class Reader:
    """Asks the server; `body` is what it sends next."""

    url: str
    body: Body

    def ask(self, entry: Answered, *, stream: bool) -> Answer:
        """Returns what is read of `body` as the entry's answer.

        Raises:
            AttemptFailed: it is no answer.
        """
        at = self.provider(entry).model_copy(update={"stream": stream})
        return asked(at, CompletionRequest.model_validate({"messages": entry.messages}))

    def provider(self, entry: Answered) -> Provider:
        return provider(entry.dialect, self.url)


@contextmanager
def reading() -> Iterator[Reader]:
    """Gives a reader with a server of its own."""
    reader = Reader("", Body(b""))

    def talk(bare: Bare, sock: Any) -> bool:
        return sends(*reader.body.parts(), keep=not reader.body.is_closed)(bare, sock)

    with serving(talk) as bare:
        reader.url = bare.url
        yield reader

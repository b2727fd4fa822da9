"""What bench/dialects.py compares."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from anthropic import Anthropic
from httpx2 import Client
from openai import OpenAI

from bench.kit.memory import ForOurs, ForTheirs
from bench.kit.report import Row
from bench.kit.upstream import Pace
from bench.kit.wires import ANTHROPIC, OPENAI, Wire, text
from bench.parts.dialects import clients
from bench.parts.dialects.clients import KEY, Ask, Make, Messages

CALLS = {10: 200, 100: 80, 1_000: 20}
"""By the events of a stream, how many streams are read in a row."""

BUILT = 100
CODINGS: dict[Literal["chunks", "block"], str] = {
    "chunks": "Reading a stream, a chunk per event",
    "block": "Reading a stream, one chunk in all",
}
BUILDING = "Building a request of 100 KB"
SIZE = 100_000
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Cell:
    """One comparison: two calls that give the same text, and the samples of both so far, CPU ms per call."""

    title: str
    name: str
    theirs: Ask
    ours: Ask
    calls: int
    text: str
    pace: Pace = field(default_factory=Pace)
    samples: list[tuple[float, float]] = field(default_factory=list)

    @property
    def row(self) -> Row:
        """Returns the samples as a row of a table."""
        theirs, ours = zip(*self.samples, strict=True)
        return Row(self.name, theirs, ours)


def reading(url: str) -> Iterator[Cell]:
    """Gives the comparisons of reading a stream from the upstream at this address."""
    theirs_ours = (
        (ANTHROPIC, clients.anthropic(Anthropic(base_url=url, api_key=KEY)), clients.ours("anthropic", url)),
        (OPENAI, clients.openai(OpenAI(base_url=f"{url}/v1", api_key=KEY)), clients.ours("openai", f"{url}/v1")),
    )
    prompt: Messages = [{"role": "user", "content": "What happened last night?"}]
    for coding, title in CODINGS.items():
        for wire, theirs, ours in theirs_ours:
            asks = theirs(prompt, True), ours(prompt, True)
            for events, calls in CALLS.items():
                tokens = events - wire.around
                pace = Pace(coding=coding, tokens=tokens)
                yield Cell(title, f"{wire.name}, {events:,} events", *asks, calls, text(tokens), pace)


def building() -> Iterator[Cell]:
    """Gives the comparisons of building a request: nothing is sent, a plain answer of one token is there at once."""
    line = 'The night shift wrote in its log: "one provider away, the next one answered; nobody woken."\n'
    roles = ("user", "assistant")
    turns = [{"role": roles[number % 2], "content": line * (SIZE // 99 // len(line))} for number in range(99)]
    shapes: dict[str, Messages] = {
        "100 messages": [{"role": "system", "content": line}, *turns],
        "one message": [{"role": "user", "content": line * (SIZE // len(line))}],
    }
    for wire in (ANTHROPIC, OPENAI):
        theirs, ours = _from_memory(wire)
        for name, messages in shapes.items():
            yield Cell(BUILDING, f"{wire.name}, {name}", theirs(messages, False), ours(messages, False), BUILT, text(1))


def _from_memory(wire: Wire) -> tuple[Make, Make]:
    answer = wire.plain(1)
    client = Client(transport=ForTheirs(answer))
    ours = clients.over(ForOurs(answer), clients.ours(wire.name, NOWHERE))
    if wire is ANTHROPIC:
        return clients.anthropic(Anthropic(base_url=NOWHERE, api_key=KEY, http_client=client)), ours
    return clients.openai(OpenAI(base_url=NOWHERE, api_key=KEY, http_client=client)), ours

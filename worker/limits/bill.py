"""What an attempt cost, as the script reads it that records the attempt."""

import json
from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over attempts that were billed, or perhaps billed.

    Attributes:
        nano: nano-USD, as far as they are known.
        wasted_nano: of these, for attempts without an answer.
        prompt: tokens, with those of a cache.
        completion: tokens, with those of reasoning.
        wasted_tokens: of both, for attempts without an answer.
        answered: attempts with an answer.
        failed: attempts without one.
        open: attempts that may have been charged more than they told.
        unpriced: attempts that told tokens whose price is unknown.
    """

    nano: int = 0
    wasted_nano: int = 0
    prompt: int = 0
    completion: int = 0
    wasted_tokens: int = 0
    answered: int = 0
    failed: int = 0
    open: int = 0
    unpriced: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Row:
    """Whose attempts are summed: `tenant` is empty where the request names none, `*` for those beyond 10,000 rows."""

    provider: str
    model: str
    chain: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Bill:
    """What a record says of an attempt's cost: see `settle` in lua/limits/limits.lua, and lua/limits/ledger.lua.

    Empty texts settle nothing and write nothing.
    """

    settlement: str = ""
    ledger: str = ""


NO_BILL = Bill()


def ledger_line(row: Row, figures: Figures) -> str:
    """Returns a line for the ledger."""
    numbers = " ".join(map(str, astuple(figures)))
    return f"{numbers} {json.dumps(astuple(row), ensure_ascii=False, separators=(',', ':'))}"

"""How a failed attempt is classified: rows of data in order of evidence, each with its source; they are failures.toml.

A provider may have rows of its own, which come first: see `Provider.errors`.
"""

import re
import tomllib
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from config.frozen import Frozen
from config.outcomes import Outcome

STEPS = ("telling", "code", "phrase", "status", "general", "reason")
"""The steps of evidence, each an array of rows in failures.toml. The first row that matches decides."""

Status = Annotated[int, Field(ge=300, le=599)] | Literal["3xx", "4xx", "5xx", "none"]
"""A status, all of a hundred, or that no status is told."""


def _check_phrase(pattern: str) -> str:
    re.compile(pattern)
    if re.search("[A-Z]", re.sub(r"\\.|\(\?P", "", pattern)):
        raise ValueError("must be in lower case, as the text is that it is compared with")
    return pattern


class Row(Frozen):
    """One row: a failure that has everything that the row names is of its class.

    Attributes:
        outcome: the class, `class` in the file.
        code: a code or type of the provider, in lower case.
        phrase: a regular expression, found somewhere in the provider's text in lower case. If it has the groups `limit`
            and `asked`, the number asked for must be above the limit.
        status: HTTP statuses.
        reason: a reason of `AttemptFailed`.
        any_host: the limit that the request exceeds is this host's own, so the windows of others do not matter.
        vendor: whose failure it is; `any` for a meaning that is common.
        source: where it is documented or was seen: an address, or owner/repository#number.
    """

    outcome: Annotated[Outcome, Field(alias="class")]
    code: Annotated[str, Field(pattern="^[a-z0-9_.-]+$")] | None = None
    phrase: Annotated[str, AfterValidator(_check_phrase)] | None = None
    status: tuple[Status, ...] = ()
    reason: str | None = None
    any_host: bool = False
    vendor: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _check_evidence(self) -> "Row":
        if not (self.code or self.phrase or self.status or self.reason):
            raise ValueError("names no evidence")
        if self.any_host and self.outcome != Outcome.TOO_LARGE:
            raise ValueError("any_host is for too-large alone")
        return self

    def matches(self, reason: str, status: int | None, codes: frozenset[str], text: str) -> bool:
        """Returns whether a failure has everything that this row names; `codes` and `text` are in lower case."""
        return (
            (self.reason is None or self.reason == reason)
            and (not self.status or status in self.status or _group(status) in self.status)
            and (self.code is None or self.code in codes)
            and (self.phrase is None or _is_found(self.phrase, text))
        )


def _group(status: int | None) -> str:
    return "none" if status is None else f"{status // 100}xx"


def _is_found(phrase: str, text: str) -> bool:
    if "(?P<limit>" not in phrase:
        return re.search(phrase, text) is not None
    return any(_number(found["asked"]) > _number(found["limit"]) for found in re.finditer(phrase, text))


def _number(digits: str) -> int:
    return int(digits.replace(",", ""))


def _load() -> dict[str, tuple[Row, ...]]:
    steps: dict[str, Any] = tomllib.loads(files("config").joinpath("failures.toml").read_text("utf-8"))
    if tuple(steps) != STEPS:
        raise ValueError(f"failures.toml must have {', '.join(STEPS)}, in this order")
    return {step: tuple(map(Row.model_validate, rows)) for step, rows in steps.items()}


ROWS: dict[str, tuple[Row, ...]] = _load()
"""The rows of each step."""

"""The base of every value in `config`, and its common types."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Frozen(BaseModel):
    """A value that cannot change after validation; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


Seconds = Annotated[float, Field(gt=0, le=86_400)]
"""A duration in seconds: above 0, at most a day."""

Lifetime = Annotated[float, Field(gt=0, le=30 * 86_400)]
"""Seconds that a result is kept: above 0, at most 30 days."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]
"""A name that is part of Redis keys, where a colon or a brace has a meaning of its own."""


def _from_text(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


FROM_TEXT = BeforeValidator(_from_text)
"""Parses the text of an environment variable for a Literal of numbers, because a Literal converts nothing."""

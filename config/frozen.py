"""The one shape of every value in `config`: frozen, with no unknown key."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Frozen(BaseModel):
    """A value that cannot change after it was checked; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


Seconds = Annotated[float, Field(gt=0, le=86_400)]
"""A duration in seconds: above 0, at most a day."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]
"""A name that goes into Redis keys, where a colon or a brace would mean something else."""


def _from_text(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


FROM_TEXT = BeforeValidator(_from_text)
"""For a Literal that is no text: an environment variable is text, and a Literal converts nothing."""

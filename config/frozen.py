"""The one shape of every value in `config`: frozen, with no unknown key."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A value that cannot change after it was checked; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


Seconds = Annotated[float, Field(gt=0, le=86_400)]
"""A duration in seconds: above 0, at most a day."""

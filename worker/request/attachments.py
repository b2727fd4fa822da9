"""Files and sound of a request. Both come with it: a file's id is known to one vendor alone."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from worker.request.base64_data import first_bytes, mended
from worker.request.fields import RequestModel, Utf8Str

PDF = "application/pdf"

_DATA = re.compile(r"(?:data:[^,]{0,128}?;\s*base64,)?", re.IGNORECASE)
_SIGNATURE = b"%PDF-"


def _check_pdf(value: str) -> str:
    head = _DATA.match(value)
    text = mended(value[head.end() :]) if head else None
    if text is None or not first_bytes(text).startswith(_SIGNATURE):
        raise ValueError(f"must be a PDF as data:{PDF};base64,...")
    return f"data:{PDF};base64,{text}"


def _check_sound(value: str) -> str:
    head = _DATA.match(value)
    if text := mended(value[head.end() :] if head else value):
        return text
    raise ValueError("must be base64 and not empty")


class FileData(RequestModel):
    """A PDF as a data URL. `file_id` must be null."""

    file_data: Annotated[Utf8Str, AfterValidator(_check_pdf)]
    filename: Utf8Str | None = None
    file_id: None = None

    @property
    def base64(self) -> str:
        """Returns the file's bytes as base64."""
        return self.file_data.partition(";base64,")[2]


class InputAudio(RequestModel):
    """Sound as base64, which may come as a data URL."""

    data: Annotated[Utf8Str, AfterValidator(_check_sound)]
    format: Literal["wav", "mp3"]

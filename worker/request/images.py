"""Images of a request: a URL, or a data URL that holds the image."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from worker.request.base64_data import first_bytes, mended
from worker.request.fields import RequestModel, Utf8Str

TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""The types that every vendor accepts."""

_LONGEST_URL = 8_192
_DATA = re.compile(r"data:([^,]{0,128}?);\s*base64,", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?")
_NAMES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", 0), (b"\xff\xd8\xff", 0), (b"GIF8", 0), (b"WEBP", 8))
"""The bytes by which each of `TYPES` is known, and where they stand; vendors refuse a type that contradicts them."""


def _check_url(value: str) -> str:
    if value[:5].lower() == "data:":
        return _data_url(value)
    if not (len(value) <= _LONGEST_URL and value.isprintable() and _URL.fullmatch(value)):
        raise ValueError("must be an http:// or https:// URL, or a data: URL")
    return value


def _data_url(value: str) -> str:
    """Returns a data URL with the type that its bytes have, and plain base64."""
    head = _DATA.match(value)
    text = mended(value[head.end() :]) if head else None
    named = head[1].partition(";")[0].strip().lower() if head else ""
    type_ = _type_of(text) if text else None
    if head is None or not (type_ or _NAMES.get(named, named) in TYPES):
        raise ValueError(f"a data URL must begin with data:TYPE;base64, where TYPE is one of {', '.join(TYPES)}")
    if text is None:
        raise ValueError("the data URL's content must be base64 and not empty")
    return f"data:{type_ or _NAMES.get(named, named)};base64,{text}"


def _type_of(text: str) -> str | None:
    """Returns the type of an image by its first bytes, None if they are of no known one."""
    start = first_bytes(text)
    found = (type_ for type_, (sign, at) in zip(TYPES, _SIGNATURES, strict=True) if start[at : at + len(sign)] == sign)
    return next(found, None)


class ImageUrl(RequestModel):
    """The URL of an image. A data URL gets the type of its bytes: vendors refuse one that contradicts them."""

    url: Annotated[Utf8Str, AfterValidator(_check_url)]
    detail: Literal["auto", "low", "high", "original"] | None = None

    @property
    def data(self) -> tuple[str, str] | None:
        """Returns the media type and base64 of a data URL, None for any other URL."""
        if not self.url.startswith("data:"):
            return None
        head, _, text = self.url.partition(";base64,")
        return head.removeprefix("data:"), text

"""Images of a request: a URL, or a data URL that holds the image."""

import binascii
import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from worker.request.fields import RequestModel, Utf8Str

TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""The types that every vendor accepts."""

_LONGEST_URL = 8_192
_DATA = re.compile(r"data:([^,;]{1,64});base64,")
_URL = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?")


def _check_url(value: str) -> str:
    if value[:5] == "data:":
        _check_data(value)
    elif not (len(value) <= _LONGEST_URL and value.isprintable() and _URL.fullmatch(value)):
        raise ValueError("must be an http:// or https:// URL, or a data: URL")
    return value


def _check_data(value: str) -> None:
    head = _DATA.match(value)
    if head is None or head[1] not in TYPES:
        raise ValueError(f"a data URL must begin with data:TYPE;base64, where TYPE is one of {', '.join(TYPES)}")
    if not _is_base64(value[head.end() :]):
        raise ValueError("the data URL's content must be base64 and not empty")


def _is_base64(text: str) -> bool:
    try:
        return bool(binascii.a2b_base64(text, strict_mode=True))
    except ValueError:  # its text may quote the value
        return False


class ImageUrl(RequestModel):
    """The URL of an image."""

    url: Annotated[Utf8Str, AfterValidator(_check_url)]
    detail: Literal["auto", "low", "high"] | None = None

    @property
    def data(self) -> tuple[str, str] | None:
        """Returns the media type and base64 of a data URL, None for any other URL."""
        if not self.url.startswith("data:"):
            return None
        head, _, text = self.url.partition(";base64,")
        return head.removeprefix("data:"), text

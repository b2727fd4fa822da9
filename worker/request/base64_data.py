"""Base64 as callers send it, mended where its meaning is clear."""

import binascii

_URL_SAFE = str.maketrans("-_", "+/")


def mended(text: str) -> str | None:
    """Returns standard base64 of the same bytes, None if the text is none or is empty.

    White space goes, `-` and `_` become `+` and `/`, and missing padding is added.
    """
    if _decodes(text):
        return text
    text = "".join(text.split()).translate(_URL_SAFE).rstrip("=")
    text += "=" * (-len(text) % 4)
    return text if _decodes(text) else None


def first_bytes(text: str) -> bytes:
    """Returns the first 12 bytes of base64."""
    return binascii.a2b_base64(text[:16])


def _decodes(text: str) -> bool:
    try:
        return bool(binascii.a2b_base64(text, strict_mode=True))
    except ValueError:  # its text may quote the value
        return False

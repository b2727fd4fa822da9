"""Text from others, safe for one line of output."""

import json


def quoted(text: str) -> str:
    """Returns a text as it is, or as JSON if it holds a character that could break the line."""
    return text if text.isprintable() else json.dumps(text)

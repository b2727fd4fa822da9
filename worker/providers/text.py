"""Texts of messages and of answers."""

from collections.abc import Iterable

from worker.request import ContentPart, Message, Text


def parts(message: Message) -> tuple[ContentPart, ...]:
    """Returns a message's content as parts."""
    if isinstance(message.content, str):
        return (Text(type="text", text=message.content),)
    return message.content or ()


def text_of(message: Message) -> str:
    """Returns a message's text, with its parts joined."""
    if isinstance(message.content, str):
        return message.content
    return "".join(part.text for part in message.content or () if isinstance(part, Text))


def join_utf8(pieces: Iterable[str]) -> str:
    """Returns the pieces joined as a text that UTF-8 can encode.

    A provider may cut between the halves of a surrogate pair. Joining pairs them again; a single half is replaced.
    """
    text = "".join(pieces)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text

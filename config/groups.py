"""The providers of a chain as they are listed: names, and lists of names, which are groups of equals."""

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Discriminator, Field, Tag

from config.frozen import Name

TAGS = ("[name]", "[group]")
"""Steps of an error's path that pydantic adds for the two forms."""

Group = tuple[str, ...]

Listed = Annotated[
    Annotated[Name, Tag(TAGS[0])] | Annotated[tuple[Name, ...], Field(min_length=1), Tag(TAGS[1])],
    Discriminator(lambda value: TAGS[1] if isinstance(value, list | tuple) else TAGS[0]),
]
"""A provider, or a group."""


def flat(listed: Iterable[str | Group]) -> tuple[str, ...]:
    """Returns the names, in order."""
    return tuple(name for each in listed for name in ((each,) if isinstance(each, str) else each))


def groups(listed: Iterable[str | Group]) -> tuple[Group, ...]:
    """Returns the groups, in order."""
    return tuple(each for each in listed if not isinstance(each, str))


def places(listed: Iterable[str | Group]) -> Iterator[tuple[str, str]]:
    """Yields each name with its place in the setting: `1`, or `1.0` in a group."""
    for i, each in enumerate(listed):
        if isinstance(each, str):
            yield str(i), each
        else:
            yield from ((f"{i}.{j}", name) for j, name in enumerate(each))


def shown(listed: Iterable[str | Group]) -> str:
    """Returns them in one line, the groups in brackets."""
    return ", ".join(each if isinstance(each, str) else f"[{', '.join(each)}]" for each in listed)

"""Headers of a provider: fixed texts, or values that environment variables hold."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, SecretStr, Tag

from config.frozen import Frozen

TAGS = ("[text]", "[variable]")
"""Steps of an error's path that pydantic adds for the two forms of a header."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
"""A token (RFC 9110, section 5.6.2)."""

_NOT_YOURS = frozenset(("accept", "connection", "expect", "host", "keep-alive", "te", "trailer", "upgrade"))
_NOT_YOURS |= {"accept-encoding", "content-encoding", "content-length", "content-type", "transfer-encoding"}
_NOT_YOURS |= {"proxy-authorization", "proxy-connection"}
"""What the HTTP client sets, or what would change how the answer is framed."""

_SECRET = re.compile(
    r"(?:^|[-_])(?:apikey|auth|authorization|cookie|key|password|secret|token)(?:$|[-_])", re.IGNORECASE
)
"""Words in the name of what holds a secret. It must not stand in a file under version control."""


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("is no header: a name has letters, digits and -")
    if name.lower() in _NOT_YOURS:
        raise ValueError("is a header that the HTTP client sets")
    return name


def _check_text(value: str) -> str:
    if value != value.strip() or not (value.isascii() and value.isprintable()):
        raise ValueError("must be printable ASCII, without blanks around it")
    return value


def _check_secret(value: SecretStr | None) -> SecretStr | None:
    if value:
        _check_text(value.get_secret_value())
    return value


class HeaderVariable(Frozen):
    """A header's value that the variable `env` holds, or the file that `<env>_FILE` names; the loader sets `value`."""

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    value: Annotated[SecretStr | None, AfterValidator(_check_secret)] = None


Header = Annotated[
    Annotated[str, AfterValidator(_check_text), Tag(TAGS[0])] | Annotated[HeaderVariable, Tag(TAGS[1])],
    Discriminator(lambda value: TAGS[0] if isinstance(value, str) else TAGS[1]),
]


def _check_headers(headers: dict[str, Any]) -> dict[str, Any]:
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("a header is there twice, in upper and in lower case")
    for name, header in headers.items():
        if _SECRET.search(name) and isinstance(header, str):
            raise ValueError(f'{name} holds a secret, so name its variable: {{ env = "NAME" }}')
    return headers


Headers = Annotated[dict[Annotated[str, AfterValidator(_check_name)], Header], AfterValidator(_check_headers)]
"""Headers by name. They replace those of the dialect; names are equal whatever their case."""


def unset(headers: Mapping[str, str | HeaderVariable]) -> Iterator[tuple[str, str]]:
    """Yields the name and the variable of each header whose variable is not set."""
    for name, header in headers.items():
        if isinstance(header, HeaderVariable) and header.value is None:
            yield name, header.env


def secrets(headers: Mapping[str, str | HeaderVariable]) -> list[SecretStr]:
    """Returns the values that variables hold."""
    return [each.value for each in headers.values() if isinstance(each, HeaderVariable) and each.value]

"""The headers that a provider's requests carry: its dialect's, and its own, which win."""

from config.headers import HeaderVariable
from config.providers import Provider
from worker.providers.credentials import current
from worker.providers.dialects import DIALECTS

_CLIENTS = {"user-agent": "User-Agent"}
"""Headers of the HTTP client that a provider's own replace, as the client spells them."""


def headers(provider: Provider) -> dict[str, str]:
    """Returns the headers of a request, without those of its body.

    Raises:
        AttemptFailed: no HTTP header can carry the key.
    """
    dialects = DIALECTS[provider.dialect].headers(provider)
    if not provider.headers:
        return dialects
    own = {_CLIENTS.get(name.lower(), name): _text(header) for name, header in provider.headers.items()}
    named = {name.lower() for name in own}
    return {name: text for name, text in dialects.items() if name.lower() not in named} | own


def _text(header: str | HeaderVariable) -> str:
    if isinstance(header, str):
        return header
    return current(header.value) if header.value else ""

"""Names of providers, chains and variables, made from LiteLLM's: ours have letters, digits, `_` and `-` alone."""

import re
from collections.abc import Container

from config.settings import load

_LONGEST = 64


def reserved() -> set[str]:
    """Returns the names of the default providers: a table of that name would keep the defaults' fields."""
    return set(load({}).providers)


def free(text: str, taken: Container[str]) -> str:
    """Returns a name for a text that is not taken: `gpt-3.5-turbo` becomes `gpt-3-5-turbo`."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:_LONGEST] or "model"
    numbered = (f"{name[: _LONGEST - 5]}-{number}" for number in range(2, 10_000))
    return name if name not in taken else next(each for each in numbered if each not in taken)


def variable(provider: str, what: str, taken: Container[str]) -> str:
    """Returns a variable that is not taken: `GROQ_LLAMA_3_API_KEY` for the `api-key` of `groq-llama-3`."""
    return free(f"{provider}-{what}".upper().replace("-", "_"), taken).replace("-", "_")

"""What a provider gives with an answer for itself alone: signatures, thoughts. It returns to that provider and model.

In a message: `provider_fields = {provider: {"model": name, ...}}`, with the fields in the provider's own form:

| from | field | what |
|---|---|---|
| Anthropic's dialect | `thinking` | its `thinking` and `redacted_thinking` blocks, in order, with their signatures |
| | `order` | where thoughts stand between texts and calls: `thinking`, `tool_use`, a text's number of characters |
| OpenAI's dialect | `reasoning_content`, `reasoning`, `reasoning_details`, `extra_content` | as they came |
| | `tool_calls` | by a call's id, its `extra_content` |

A text that is the message's `reasoning_content` is not there twice: `reasoning_in` has the names of its fields.
"""

from typing import Any

from worker.request import Assistant
from worker.request.replayed import REASONING_IN

FIELD = "provider_fields"


def own_fields(message: Assistant, provider: str, model: str) -> dict[str, Any]:
    """Returns the fields of a message that this model of this provider gave; empty where another did."""
    found = (message.provider_fields or {}).get(provider) or {}
    if found.get("model") != model:
        return {}
    names, text = found.get(REASONING_IN), message.reasoning_content
    if not (text and isinstance(names, list)):
        return found
    return found | {name: text for name in names if isinstance(name, str)}


def with_own_fields(message: dict[str, Any], provider: str, model: str, own: dict[str, Any]) -> dict[str, Any]:
    """Returns an answer's message with the fields that only this model of this provider may see again."""
    if not own:
        return message
    names = [name for name, value in own.items() if value == message.get("reasoning_content", "")]
    kept = {name: value for name, value in own.items() if name not in names} | ({REASONING_IN: names} if names else {})
    return message | {FIELD: {provider: {"model": model, **kept}}}

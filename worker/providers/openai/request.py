"""A completion request as OpenAI's Chat Completions interface takes it: as it came, but for its fields of ours."""

from typing import Any

from config.providers import Model, Provider
from worker.providers.dialect import api_key
from worker.request import CompletionRequest, Message


def headers(provider: Provider) -> dict[str, str]:
    """Returns the header that says who asks."""
    key = api_key(provider)
    return {"Authorization": f"Bearer {key}"} if key else {}


def body(request: CompletionRequest, model: Model) -> dict[str, Any]:
    """Returns the body of a request for a stream that ends with its usage."""
    optional = {
        "max_completion_tokens": request.limit,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": list(request.stops) or None,
        "seed": request.seed,
        "user": request.user,
    }
    return {
        "model": model.name,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    } | {name: value for name, value in optional.items() if value is not None}


def _message(message: Message) -> dict[str, Any]:
    content = message.content if isinstance(message.content, str) else [part.model_dump() for part in message.content]
    return {"role": message.role, "content": content} | ({"name": message.name} if message.name else {})

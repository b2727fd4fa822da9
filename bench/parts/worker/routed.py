"""LiteLLM's Router in a Celery task: what a chain of two providers costs there.

Its worker runs in a Python that has LiteLLM; nothing else imports this module.
"""

import os
from typing import Any

import litellm

from bench.parts.worker.stock import stock

litellm.telemetry = False
app = stock("routed")


def _deployment(name: str) -> dict[str, Any]:
    upstream = {"api_base": os.environ["OPENAI_BASE_URL"], "api_key": os.environ["OPENAI_API_KEY"]}
    return {"model_name": name, "litellm_params": {"model": "openai/bare", **upstream}}


_router = litellm.Router([_deployment("first"), _deployment("second")], fallbacks=[{"first": ["second"]}], timeout=60.0)


@app.task(name="routed.complete")
def complete(request: dict[str, Any]) -> dict[str, Any]:
    """Returns the answer to a request as an OpenAI `chat.completion` object."""
    chunks = _router.completion("first", **request, stream=True, stream_options={"include_usage": True})
    answer: dict[str, Any] = litellm.stream_chunk_builder(list(chunks), messages=request["messages"]).model_dump()
    return answer


@app.task(name="routed.complete_plainly")
def complete_plainly(request: dict[str, Any]) -> dict[str, Any]:
    """Returns the answer to a request that asks for no stream."""
    answer: dict[str, Any] = _router.completion("first", **request).model_dump()
    return answer

"""Anthropic's Messages interface."""

from worker.providers.anthropic.answer import AnthropicAssembly
from worker.providers.anthropic.request import RULES, body, headers
from worker.providers.dialect import Dialect

_MODELS = "/v1/models?limit=1000"  # the longest page; the default is 20

ANTHROPIC = Dialect(
    path="/v1/messages",
    probe=lambda provider: _MODELS,
    models=_MODELS,
    takes=frozenset({"tools", "images", "files", "schema", "json", "prefill"}),
    headers=headers,
    rules=RULES,
    body=body,
    assembly=AnthropicAssembly,
    silent_after_tool=True,
)

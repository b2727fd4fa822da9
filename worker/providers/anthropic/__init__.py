"""Anthropic's Messages interface."""

from worker.providers.anthropic.answer import TOKEN, answer, ended, plain
from worker.providers.anthropic.request import body, headers
from worker.providers.dialect import Dialect

ANTHROPIC = Dialect(
    path="/v1/messages",
    probe=lambda provider: "/v1/models?limit=1",
    takes=frozenset({"tools", "images", "schema", "prefill"}),
    headers=headers,
    body=body,
    token=TOKEN,
    ended=ended,
    answer=answer,
    plain=plain,
)

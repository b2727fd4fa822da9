"""OpenAI's Chat Completions interface, which many other servers implement."""

from worker.providers.dialect import Dialect
from worker.providers.openai.answer import OpenAIAssembly
from worker.providers.openai.request import body, headers

OPENAI = Dialect(
    path="/chat/completions",
    probe=lambda provider: "/models",
    models="/models",
    takes=frozenset({"tools", "images", "schema", "json", "prefill"}),
    headers=headers,
    body=body,
    assembly=OpenAIAssembly,
)

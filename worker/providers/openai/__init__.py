"""OpenAI's Chat Completions interface, which many other servers implement."""

from worker.providers.dialect import Dialect
from worker.providers.openai.answer import OpenAIAssembly
from worker.providers.openai.request import RULES, body, headers

OPENAI = Dialect(
    path="/chat/completions",
    probe=lambda provider: "/models",
    models="/models",
    takes=frozenset({"tools", "images", "files", "audio", "schema", "json", "prefill"}),
    headers=headers,
    rules=RULES,
    body=body,
    assembly=OpenAIAssembly,
)

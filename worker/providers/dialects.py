"""The dialects by their names in the configuration."""

from worker.providers import llama_cpp
from worker.providers.anthropic import ANTHROPIC
from worker.providers.dialect import Dialect
from worker.providers.openai import OPENAI

DIALECTS: dict[str, Dialect] = {"anthropic": ANTHROPIC, "openai": OPENAI, "llama_cpp": llama_cpp.LLAMA_CPP}

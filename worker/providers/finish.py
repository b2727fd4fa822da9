"""The words by which servers end an answer, in OpenAI's terms."""

from worker.errors import AttemptFailed
from worker.providers.scrubbing import code_word
from worker.result import FinishReason

_WORDS: dict[str, FinishReason] = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "complete": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
}
"""OpenAI's words, Anthropic's, TGI's, Mistral's and Cohere's."""

_REFUSALS = frozenset(("refusal", "content_filter", "content_filtered", "sensitive", "safety", "recitation"))
_REFUSALS |= {"blocklist", "prohibited_content", "guardrail_intervened"}

_FAILURES = ("abort", "error", "cancel", "fail", "timeout", "resource", "pause_turn")
"""Parts of words that end no answer: DeepSeek's `insufficient_system_resource`, vLLM's `abort`.

`pause_turn` could be continued by Anthropic alone, and needs one of its own tools, which we do not send.
"""


def is_refusal(word: str) -> bool:
    """Returns whether the content was refused."""
    return word.lower() in _REFUSALS


def finish_reason(word: str) -> FinishReason:
    """Returns OpenAI's word for a server's; a word that nobody knows ends an answer as `stop` does.

    Raises:
        AttemptFailed: `aborted`, the word tells a failure.
    """
    lower = word.lower()
    if any(part in lower for part in _FAILURES):
        raise AttemptFailed("aborted", codes=tuple(filter(None, [code_word(word)])))
    return _WORDS.get(lower, "stop")

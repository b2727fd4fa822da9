"""The words by which servers end an answer, in OpenAI's terms."""

from worker.errors import AttemptFailed
from worker.providers.scrubbing import code_word
from worker.result import FinishReason

_WORDS: dict[str, FinishReason] = {
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
}
"""OpenAI's words and Anthropic's. Words with `length` or `max_` in them are a length, any other is a stop."""

_REFUSALS = frozenset(("refusal", "content_filter", "sensitive", "safety", "recitation", "prohibited", "blocklist"))
_REFUSALS |= {"spii", "guardrail"}
"""Parts of words for content that was refused: OpenAI's, Anthropic's, Zhipu's, Gemini's and Bedrock's."""

_FAILURES = ("abort", "error", "cancel", "fail", "timeout", "resource", "pause_turn")
"""Parts of words that end no answer: DeepSeek's `insufficient_system_resource`, vLLM's `abort`.

`pause_turn` could be continued by Anthropic alone, and needs one of its own tools, which we do not send.
"""


def is_refusal(word: str) -> bool:
    """Returns whether the content was refused."""
    return any(part in word.lower() for part in _REFUSALS)


def finish_reason(word: str) -> FinishReason:
    """Returns OpenAI's word for a server's; a word that nobody knows ends an answer as `stop` does.

    Raises:
        AttemptFailed: `aborted`, the word tells a failure.
    """
    lower = word.lower()
    if any(part in lower for part in _FAILURES):
        raise AttemptFailed("aborted", codes=tuple(filter(None, [code_word(word)])))
    return _WORDS.get(lower) or ("length" if "length" in lower or "max_" in lower else "stop")

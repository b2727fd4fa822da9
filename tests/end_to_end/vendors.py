"""LLMock's scripts, and what it saw, by our providers' names; llama_cpp shares OpenAI's wire and its paths."""

from typing import Any

from tasks.local.llmock import LLMock

MODELS = {"claude": "claude-*", "openai": "gpt-*", "llama_cpp": "default"}
"""What tells the providers apart; a probe names no model, so nothing scripted here hits one."""

QUESTION = {"messages": [{"role": "user", "content": "Say hello."}]}


def script(llmock: LLMock, provider: str, what: str, times: int | None = None, **fields: Any) -> None:
    """Scripts a behaviour of one provider's completions, for ever if `times` is None."""
    llmock.script({"type": what, "times": times, "match": {"model": MODELS[provider]}, **fields})


def fail(llmock: LLMock, provider: str, status: int, times: int | None = None, **fields: Any) -> None:
    """Scripts an error response, which asks for no wait unless it is to: LLMock's 429, 503 and 529 would for 1 s."""
    script(llmock, provider, "fail", times, **{"status": status, "retry_after": 0, **fields})


def calls(llmock: LLMock, provider: str) -> list[dict[str, Any]]:
    """Returns the provider's completion calls, the oldest first."""
    start = MODELS[provider].rstrip("*")
    return [request for request in llmock.requests() if str(request["model"]).startswith(start)]


def attempts_of(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns each provider considered and what came of it."""
    return [(attempt["provider"], attempt["outcome"]) for attempt in result["fallback"]["attempts"]]

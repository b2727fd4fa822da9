"""Thoughts and signatures that servers of OpenAI's dialect send with an answer, for themselves to see again.

1. DeepSeek answers 400 to a call without its `reasoning_content`: https://api-docs.deepseek.com/guides/thinking_mode.
2. Gemini to one without its signature: https://ai.google.dev/gemini-api/docs/thought-signatures.
3. OpenRouter wants `reasoning_details` unchanged: https://openrouter.ai/docs/use-cases/reasoning-tokens.
"""

from typing import Any

from worker.providers.text import join_utf8

TEXTS = ("reasoning_content", "reasoning")
"""Fields that come in pieces of text."""

OWN = (*TEXTS, "reasoning_details", "extra_content")
_GROWING = ("text", "summary", "data")


def keep(own: dict[str, Any], delta: dict[str, Any]) -> None:
    """Adds a delta's own fields to those that came before."""
    for name in TEXTS:
        if isinstance(piece := delta.get(name), str):
            own.setdefault(name, []).append(piece)
    if isinstance(details := delta.get("reasoning_details"), list):
        for detail in filter(_is_object, details):
            _add_detail(own.setdefault("reasoning_details", []), detail)
    if isinstance(extra := delta.get("extra_content"), dict):
        own.setdefault("extra_content", {}).update(extra)


def whole_fields(own: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields with the pieces of each text as one; without thoughts of nothing."""
    texts = {name: join_utf8(own[name]) for name in TEXTS if name in own}
    return {name: value for name, value in (own | texts).items() if value}


def _add_detail(details: list[dict[str, Any]], detail: dict[str, Any]) -> None:
    """Adds a detail, or a piece of the last one: of its type, at its index, with a text that grows."""
    last = details[-1] if details else {}
    kinds = [(each.get("type"), each.get("index"), each.get("id") or last.get("id")) for each in (last, detail)]
    if kinds[0] != kinds[1] or detail.get("index") is None:
        details.append(dict(detail))
        return
    grown = {name: last[name] + detail[name] for name in _GROWING if _is_text(last.get(name), detail.get(name))}
    last |= {name: value for name, value in detail.items() if value is not None} | grown


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_text(*values: Any) -> bool:
    return all(isinstance(value, str) for value in values)

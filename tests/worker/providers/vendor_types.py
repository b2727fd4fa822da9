"""Holds a request body against the vendors' own types: every key known, every required one there, every value fit."""

import collections.abc
import types
from functools import cache
from typing import Annotated, Any, Literal, Required, Union, get_args, get_origin, get_type_hints

import anthropic.types as anthropic
import openai.types.chat.completion_create_params as openai
from typing_extensions import is_typeddict

from config.providers import Dialect

TYPES: dict[tuple[Dialect, bool], Any] = {
    ("anthropic", True): anthropic.message_create_params.MessageCreateParamsStreaming,
    ("anthropic", False): anthropic.message_create_params.MessageCreateParamsNonStreaming,
    ("openai", True): openai.CompletionCreateParamsStreaming,
    ("openai", False): openai.CompletionCreateParamsNonStreaming,
}
LLAMA_CPP_OWN = {"chat_template_kwargs", "top_k", "min_p", "repeat_penalty"}
"""What only llama.cpp's server takes; in all else its requests are OpenAI's."""


def faults(dialect: Dialect, body: dict[str, Any]) -> list[str]:
    """Returns what the vendor's type says against this body."""
    if dialect == "llama_cpp":
        dialect, body = "openai", {name: value for name, value in body.items() if name not in LLAMA_CPP_OWN}
    return _faults(body, TYPES[dialect, body["stream"]], "body")


def _faults(value: Any, hint: Any, at: str) -> list[str]:
    origin = get_origin(hint)
    if origin in (Annotated, Required):
        return _faults(value, get_args(hint)[0], at)
    if origin in (Union, types.UnionType):
        return _least([_faults(value, kind, at) for kind in get_args(hint)])
    if origin is Literal:
        return [] if value in get_args(hint) else [f"{at}: {value!r} is not of {get_args(hint)}"]
    if is_typeddict(hint):
        return _dict_faults(value, hint, at)
    if origin is dict:
        return _each(value, dict, lambda: [(value[key], get_args(hint)[1], f"{at}.{key}") for key in value], at)
    if origin in (list, collections.abc.Iterable, collections.abc.Sequence):
        return _each(value, list, lambda: [(v, get_args(hint)[0], f"{at}.{i}") for i, v in enumerate(value)], at)
    return _plain_faults(value, hint, at)


def _least(found: list[list[str]]) -> list[str]:
    return min(found, key=lambda faults: (len(faults), min(faults, default="")))


def _each(value: Any, kind: type, items: Any, at: str) -> list[str]:
    if not isinstance(value, kind):
        return [f"{at}: no {kind.__name__}"]
    return [fault for item in items() for fault in _faults(*item)]


def _dict_faults(value: Any, hint: Any, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: no object"]
    hints, required = _keys(hint)
    found = [f"{at}.{name}: unknown" for name in value if name not in hints]
    found += [f"{at}.{name}: missing" for name in required if name not in value]
    return found + [
        fault for name in value if name in hints for fault in _faults(value[name], hints[name], f"{at}.{name}")
    ]


@cache
def _keys(hint: Any) -> tuple[dict[str, Any], set[str]]:
    """Returns a type's keys and those that must be there; the vendors' annotations are text, which hides `Required`."""
    hints = get_type_hints(hint, include_extras=True)
    return hints, hint.__required_keys__ | {name for name, kind in hints.items() if get_origin(kind) is Required}


def _plain_faults(value: Any, hint: Any, at: str) -> list[str]:
    if hint in (Any, object):
        return []
    if hint is float:
        return [] if isinstance(value, int | float) else [f"{at}: no number"]
    if not isinstance(hint, type):
        return [f"{at}: no {hint}"]  # a file
    fits = isinstance(value, hint) and not (hint is int and isinstance(value, bool))
    return [] if fits else [f"{at}: no {hint.__name__}"]

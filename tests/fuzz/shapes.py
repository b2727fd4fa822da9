"""Calls of a completion near and far from valid: requests, chains, and how both are handed over."""

from typing import Any

from hypothesis import strategies as st

from tests.fuzz.drawing import JSON, NASTY, TEXT, mutated
from tests.worker.providers.request_cases import FIELDS, MESSAGES
from worker.request import CompletionRequest

_WORDS = ("role", "content", "type", "text", "name", "function", "image_url", "url", "parameters", "arguments", "id")
NAMES = st.sampled_from([*CompletionRequest.model_fields, *_WORDS, "self", "request", "chain", "\x00", "\ud800"]) | TEXT
_OWN = {
    "tier": {"model": "fast"},
    "time": {"timeout": 30.0},
    "hardly any time": {"timeout": 1e-9},
    "options": {"provider_options": {"claude": {"thinking": {"type": "disabled"}}, "openai": {"logit_bias": {}}}},
    "what happens anyway": {"n": 1, "stream": False},
}
VALID = st.builds(
    lambda messages, *fields: {
        "messages": messages,
        **{name: value for each in fields for name, value in each.items()},
    },
    st.sampled_from(list(MESSAGES.values())),
    st.sampled_from(list(FIELDS.values())),
    st.sampled_from(list(FIELDS.values())),
    st.sampled_from([{}, *_OWN.values()]),
)
REQUESTS = st.one_of(VALID, mutated(VALID, NAMES), mutated(VALID, NAMES), mutated(VALID, NAMES), JSON)
CHAINS = st.sampled_from(["default", "high-priority", "low-cost", "local-first"])
ODD_CHAINS = CHAINS.map(str.upper) | st.sampled_from(["", "default ", "high_priority"]) | NASTY | TEXT
CALLS: st.SearchStrategy[tuple[list[Any], dict[str, Any]]] = st.one_of(
    # Each is built anew, as Hypothesis takes equals for one.
    *(st.builds(lambda request, chain: ([request], {"chain": chain}), REQUESTS, CHAINS) for _ in range(6)),
    st.builds(lambda request, chain: ([request, chain], {}), VALID, ODD_CHAINS),
    st.builds(lambda request, chain: ([], {"request": request, "chain": chain}), VALID, CHAINS),
    st.tuples(st.lists(REQUESTS | CHAINS, max_size=3), st.dictionaries(NAMES, JSON, max_size=2)),
)
"""Arguments, and arguments by name, all of them JSON."""

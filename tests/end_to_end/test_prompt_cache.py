"""A conversation of ten turns reads from Anthropic's cache what the turn before wrote, also behind a failover."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.prompt_cache import LEAST, PromptCache, Refused
from tests.end_to_end.speaking import Reply, refuses, says_blocks, says_deltas, speaking
from tests.end_to_end.vendors import attempts_of
from tests.worker.providers.request_cases import CLOCK, call, text, user
from tests.worker.providers.vendor_rules import broken
from tests.worker.providers.vendor_types import faults

SETTINGS = """\
[providers.marking]
dialect = "anthropic"
base_url = "{url}/claude"
prompt_cache = true
models.default = {{ name = "unlisted", input_usd = 4.0, output_usd = 20.0 }}
[providers.unmarked]
dialect = "anthropic"
base_url = "{url}/claude"
models.default = {{ name = "unlisted", input_usd = 4.0, output_usd = 20.0 }}
[providers.other]
dialect = "openai"
base_url = "{url}/other/v1"
models.default = {{ name = "unlisted", input_usd = 1.0, output_usd = 2.0 }}
[chains.by-itself]
providers = ["marking", "other"]
retry = {{ max_retries = 0 }}
[chains.by-marks]
providers = ["unmarked", "other"]
retry = {{ max_retries = 0 }}
"""
READ, WRITE, OUTPUT = 0.4e-6, 5.0e-6, 20.0e-6
"""USD of a token at Anthropic's: a tenth and five quarters of the input's price, https://claude.com/pricing."""

MARK = {"cache_control": {"type": "ephemeral"}}
INSTRUCTIONS = "Answer by the clock. " * 300
assert len(INSTRUCTIONS) > 4 * LEAST
PARTS = [text(f"Part {number}.") for number in range(30)]
QUESTIONS = [
    user("Who are you?"),
    user("Ask the clock."),
    user("Ask 25 clocks."),
    user(*PARTS),
    user("Ask the clock again."),
    user(*PARTS, text("Ask the clock.")),
]
"""Ten turns: a question that has a clock in it takes two. Some are longer than the 20 blocks in which a mark looks."""


@dataclass
class Claude:
    """Anthropic with its cache. It answers 529 while it `is_busy`; `now` is its clock."""

    is_busy: bool = False
    now: float = 0.0

    def __post_init__(self) -> None:
        self._cache = PromptCache(lambda: self.now)

    def answer(self, body: dict[str, Any]) -> Reply:
        if self.is_busy:
            return refuses("Overloaded", "overloaded_error", 529)
        if wrong := [*faults("anthropic", body), *broken("anthropic", body)]:
            return refuses(str(wrong))
        try:
            usage = self._cache.usage(body)
        except Refused as refused:
            return refuses(str(refused))
        last = body["messages"][-1]["content"][-1]
        thought = {"type": "thinking", "thinking": "Hm, hm.", "signature": "c2ln"}
        made = [
            {"type": "tool_use", "id": f"toolu_{len(body['messages'])}_{n}", "name": "clock", "input": {}}
            for n in range(clocks(last.get("text", "")))
        ]
        return says_blocks([thought, *(made or [text("It is noon.")])], usage)


def other(body: dict[str, Any]) -> Reply:
    """Answers as another vendor, which refuses marks."""
    if wrong := [*faults("openai", body), *broken("openai", body)]:
        return refuses(str(wrong))
    content = body["messages"][-1]["content"] if body["messages"][-1]["role"] == "user" else ""
    asked = content if isinstance(content, str) else content[-1]["text"]
    made = [{"index": n, **call(f"call_{len(body['messages'])}_{n}", "clock", "{}")} for n in range(clocks(asked))]
    delta = {"tool_calls": made} if made else {"content": "It is noon, too."}
    return says_deltas(delta, usage={"prompt_tokens": 1_000, "completion_tokens": 5, "total_tokens": 1_005})


def clocks(asked: str) -> int:
    return 25 if "25 clocks" in asked else int("clock" in asked)


@pytest.fixture(scope="module")
def claude() -> Claude:
    return Claude()


@pytest.fixture(scope="module")
def shared_settings(tmp_path_factory: pytest.TempPathFactory, claude: Claude) -> Iterator[dict[str, str]]:
    file = tmp_path_factory.mktemp("settings") / "fallback.toml"
    with speaking({"claude": claude.answer, "other": other}) as url:
        file.write_text(SETTINGS.format(url=url), "utf-8")
        yield {"FALLBACK_CONFIG": str(file)}


def turns(setup: LocalSetup, chain: str, name: str) -> Iterator[dict[str, Any]]:
    """Yields the results of a conversation; each message goes back as it came, each question and result marked."""
    mark = MARK if chain == "by-marks" else {}
    messages: list[dict[str, Any]] = [{"role": "system", "content": [text(name + INSTRUCTIONS) | mark]}]
    for question in QUESTIONS:
        parts = question["content"]
        parts = [text(parts)] if isinstance(parts, str) else parts
        messages.append(
            user(*parts[:-1], parts[-1] | mark) if len(parts) > 1 else {**question, "content": [parts[0] | mark]}
        )
        calls = [{}]
        while calls:
            result = setup.complete({"messages": messages, "tools": [CLOCK]}, chain).get(timeout=30)
            yield result
            message = result["choices"][0]["message"]
            calls = message.get("tool_calls", [])
            results = [{"role": "tool", "tool_call_id": each["id"], "content": "noon"} for each in calls]
            messages = [*messages, message, *results[:-1], *(each | mark for each in results[-1:])]


@pytest.mark.parametrize("fails_at", [3, 6, 9])
@pytest.mark.parametrize("chain", ["by-itself", "by-marks"])
def test_each_turn_reads_what_the_last_one_wrote_whoever_answered_between(
    shared_setup: LocalSetup, claude: Claude, chain: str, fails_at: int
) -> None:
    before, answered_by = 0, []
    conversation = turns(shared_setup, chain, f"{chain} {fails_at}")
    for turn in range(1, 11):
        claude.is_busy = turn == fails_at
        result = next(conversation)
        answered_by.append(attempts_of(result)[-1])
        if claude.is_busy:
            continue
        usage = result["usage"]
        prompt, details = usage["prompt_tokens"], usage["prompt_tokens_details"]
        assert details == {"cached_tokens": before, "cache_write_tokens": prompt - before}, f"turn {turn}"
        cost = READ * before + WRITE * (prompt - before) + OUTPUT * usage["completion_tokens"]
        assert result["fallback"]["cost_usd"] == pytest.approx(cost, rel=1e-9)
        before = prompt
    assert next(conversation, None) is None
    providers = ["marking" if chain == "by-itself" else "unmarked"] * 10
    providers[fails_at - 1] = "other"
    assert answered_by == [(name, "success") for name in providers]


def test_what_five_minutes_made_forgotten_is_written_again(shared_setup: LocalSetup, claude: Claude) -> None:
    cached = []
    for result in turns(shared_setup, "by-itself", "later"):
        cached.append(result["usage"]["prompt_tokens_details"]["cached_tokens"])
        if len(cached) in (3, 6):
            claude.now += 299 if len(cached) == 3 else 301
    assert [turn for turn, tokens in enumerate(cached, 1) if not tokens] == [1, 7]

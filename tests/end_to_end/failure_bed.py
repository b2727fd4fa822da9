"""What the failures' tests ask, and whose records they read: the workers, LLMock and two bare sockets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.local.llmock import LLMock
from tests.end_to_end import vendors
from tests.end_to_end.failing_server import FailingServer
from tests.end_to_end.failure_cases import LIMIT, LLMOCKS, SIDES, SOCKETS, Case
from tests.end_to_end.local_cluster import LocalSetup
from tests.worker.providers.bare_server import streams
from worker.admission import breaker
from worker.admission.breaker import Snapshot
from worker.errors import TaskFailed

BACKOFF = 0.2


def settings(sockets: Mapping[str, FailingServer]) -> str:
    """Four providers with short limits, and for each a chain of its name that begins with it."""
    written = []
    for name, side in SIDES.items():
        written.append(f"[providers.{name}]\nfirst_token_timeout = {LIMIT}\nidle_timeout = {LIMIT}")
        if name in SOCKETS:
            base = sockets[name].url + ("/v1" if side.wire == "OpenAI" else "")
            model = f'{{ name = "asked", input_usd = {side.prices[0]}, output_usd = {side.prices[1]} }}'
            written.append(f'dialect = "{side.wire.lower()}"\nbase_url = "{base}"\nmodels.default = {model}')
        pair = LLMOCKS if name in LLMOCKS else SOCKETS
        order = json.dumps([name, *(other for other in pair if other != name)])
        written.append(f"[chains.{name}]\nproviders = {order}\nretry.initial_backoff = {BACKOFF}")
    return "\n".join(written)


@dataclass(frozen=True)
class Bed:
    """The workers, and the servers that stand for their providers, whose own records say who was called."""

    setup: LocalSetup
    llmock: LLMock
    sockets: dict[str, FailingServer]

    def ask(self, chain: str, prompt: str) -> dict[str, Any] | TaskFailed:
        """Returns the result or the failure that a caller gets."""
        request = {"messages": [{"role": "user", "content": prompt}], "temperature": 0.5}
        answer: dict[str, Any] | TaskFailed = self.setup.complete(request, chain).get(timeout=60, propagate=False)
        return answer

    def calls(self, provider: str, prompt: str) -> list[int | None]:
        """Returns the calls with that prompt, each with its status where the server answered with an error."""
        if provider in SOCKETS:
            return [None for request in self.sockets[provider].requests if prompt.encode() in request]
        made = [made for made in vendors.calls(self.llmock, provider) if prompt in json.dumps(made["body"])]
        return [made["status"] if made["status"] >= 400 else None for made in made]

    def script(self, case: Case, first: str, second: str) -> None:
        """Makes the first provider fail and the second answer."""
        if case.socket:
            case.socket(self.sockets[first], SIDES[first])
            self.sockets[second].script(streams(*SIDES[second].events()))
        if case.llmock:
            case.llmock(self.llmock, first)
            for provider, side in LLMOCKS.items():
                vendors.script(self.llmock, provider, "reply", text=side.text)

    def breaker_of(self, provider: str) -> Snapshot:
        return breaker.snapshot(self.setup.store, [provider])[0]

    def circuit(self, provider: str) -> list[dict[str, str]]:
        """Returns the changes of its breaker's state, the oldest first."""
        events = [event for event in self.setup.events() if event["provider"] == provider]
        return [event for event in events if event["type"].startswith("circuit-breaker")]

"""A repr, which any log line or traceback may hold, shows nothing of prompt, answer or key."""

import pytest

from config.settings import load
from worker.chain.delivery import Completion, Delivery
from worker.chain.route import Route
from worker.request import parse
from worker.result import Answer
from worker.task.lease import LeaseResult

SECRET = "zebra-7731"
SETTINGS = load({"OPENAI_API_KEY": SECRET, "REDIS_URL": f"redis://:{SECRET}@h/0"})
REQUEST = parse({"messages": [{"role": "user", "content": SECRET}], "metadata": {"a": SECRET}}, ("default",))
SHOWN = {
    "settings": SETTINGS,
    "request": REQUEST,
    "message": REQUEST.messages[0],
    "call": Delivery("id", REQUEST, Route(SETTINGS.chains["default"], SETTINGS.providers), stop_reason=lambda: None),
    "completion": Completion({"choices": SECRET}),
    "answer": Answer("id", "m", {"content": SECRET}, "stop", None, None, None),
    "begun": LeaseResult("answered", answer=SECRET),
}


@pytest.mark.parametrize("value", SHOWN.values(), ids=SHOWN)
def test_it_shows_no_secret(value: object) -> None:
    assert SECRET not in f"{value!r} {value}"

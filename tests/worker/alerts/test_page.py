"""The receiver's example of docs/how-to/alert.md, run on real messages."""

import re
import time
from pathlib import Path

from tests.worker.alerts.receiving import SECRET
from worker.alerts.message import of_event
from worker.alerts.signature import headers

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "alert.md").read_text("utf-8")
EVENT = {"type": "circuit-breaker-open", "provider": "claude", "at_ms": "1700000000250", "cause": "quota-exhausted"}


def test_the_receiver_of_the_page_takes_what_is_signed_once_and_refuses_the_others(monkeypatch, capsys):
    monkeypatch.setenv("ALERTS_SECRET", SECRET)
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    example = {}
    exec(found[1], example)
    body, now = of_event("fallback", "1-0", EVENT).standard(), time.time()
    signed = headers("fallback-1-0", body, SECRET, now)
    assert [example["receive"](body, signed) for _ in range(2)] == [204, 204]
    assert capsys.readouterr().out.count("alert claude: circuit-breaker-open (quota-exhausted)") == 1
    assert example["receive"](body + b" ", signed) == 401
    assert example["receive"](body, headers("fallback-1-0", body, SECRET, now - 400)) == 401

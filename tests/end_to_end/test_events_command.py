"""`fallback events`: the stream as lines, to its end or for ever; with no worker about."""

import json
import re
import signal
from pathlib import Path

from tests.end_to_end.command_line import output, run, running
from tests.waiting import wait_until
from worker.admission import breaker
from worker.store.store import Store
from worker.telemetry.events import since

UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def test_an_event_is_a_line_with_its_time_type_provider_and_fields(
    tmp_path: Path, environment: dict[str, str], store: Store
) -> None:
    breaker.control(store, "claude", "open", by="a night\nshift", seconds=60)
    breaker.control(store, "openai", "closed", by="somebody")
    store.run(breaker.probed(store, "claude", answered=True, authenticated=True))
    ran = run(tmp_path, environment, "events")
    assert (ran.returncode, ran.stderr) == (0, "")
    opened, closed = ran.stdout.splitlines()
    assert re.fullmatch(rf'{UTC} circuit-breaker-forced-open claude by="a night\\nshift" until={UTC}', opened)
    assert re.fullmatch(rf"{UTC} circuit-breaker-forced-closed openai by=somebody", closed)


def test_as_json_a_line_has_what_the_stream_has(tmp_path: Path, environment: dict[str, str], store: Store) -> None:
    breaker.control(store, "claude", "open", by="somebody")
    breaker.control(store, "claude", "reset", by="somebody")
    ran = run(tmp_path, environment, "events", "--json")
    assert [json.loads(line) for line in ran.stdout.splitlines()] == since(store)[1]


def test_follow_prints_each_event_once_until_ctrl_c(tmp_path: Path, environment: dict[str, str], store: Store) -> None:
    breaker.control(store, "claude", "open", by="the-first")
    with running(tmp_path, environment, "events", "--follow") as process:
        wait_until(lambda: "by=the-first" in output(tmp_path))
        breaker.control(store, "claude", "closed", by="the-second")
        wait_until(lambda: "by=the-second" in output(tmp_path))
        breaker.control(store, "claude", "reset", by="the-third")
        wait_until(lambda: "by=the-third" in output(tmp_path))
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert re.findall(r"by=\S+", output(tmp_path)) == ["by=the-first", "by=the-second", "by=the-third"]
    assert len(output(tmp_path).splitlines()) == 3

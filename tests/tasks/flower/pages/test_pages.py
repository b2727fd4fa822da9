"""The pages over HTTP, at a real Flower."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import httpx
import pytest

from tasks.flower.pages.views import VIEWS
from tests.tasks.flower.pages.conftest import KEY, LOGIN, PREFIX, Flower
from tests.waiting import wait_until
from worker.admission.breaker import control
from worker.errors import ChainExhausted
from worker.task import dead_letters

HOSTILE = "<img src=x onerror=alert(1)>\"'&</script>"
PATHS = [f"/fallback/{view.name}" + ("/some-task" if view.has_subject else "") for view in VIEWS]
STREAMS = [path.replace("/fallback/", "/fallback/stream/") for path in PATHS]


@contextmanager
def events(flower: Flower, path: str) -> Iterator[Iterator[str]]:
    """Yields the HTML that a stream sends, each time that it does."""
    with flower.client.stream("GET", path, timeout=30) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        yield (json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: "))


def shown(flower: Flower, path: str, text: str) -> None:
    """Waits until a stream sends a text."""
    with events(flower, path) as sent:
        assert any(text in html for html in sent)


@pytest.mark.parametrize("path", [*PATHS, *STREAMS, "/fallback/find?task=x"])
def test_without_the_password_there_is_nothing(flower: Flower, path: str) -> None:
    assert httpx.get(f"{flower.client.base_url}{path.lstrip('/')}", trust_env=False).status_code == 401


@pytest.mark.parametrize("path", [*PATHS, *STREAMS, "/fallback/find"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(flower: Flower, path: str, method: str) -> None:
    assert flower.client.request(method, path).status_code == 405


@pytest.mark.parametrize("path", PATHS)
def test_every_address_on_a_page_is_below_the_prefix_and_answers(flower: Flower, path: str) -> None:
    page = flower.page(path)
    found = set(re.findall(r'(?:href|src|action|data-stream)="([^"#]+)"', page))
    assert not [each for each in found if not each.startswith((f"/{PREFIX}/", "https://"))]
    ours = [each.removeprefix(f"/{PREFIX}") for each in found if "/fallback/" in each and "/stream/" not in each]
    assert len(ours) >= len(VIEWS)
    assert {flower.client.get(each, follow_redirects=True).status_code for each in ours} == {200}


@pytest.mark.parametrize("path", PATHS)
def test_a_page_runs_nothing_but_files_of_flower(flower: Flower, path: str) -> None:
    answer = flower.client.get(path)
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]* src=)|\son[a-z]+=|\sstyle=|javascript:", answer.text)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_a_heading_a_skip_link_and_named_tables(flower: Flower, path: str) -> None:
    page = flower.page(path)
    assert page.count("<h1") == 1
    assert 'href="#main-content"' in page
    assert page.count("<table") == page.count('aria-label="Table of')
    assert not re.search(r"<th(?! scope=)[ >]", page)


def test_a_stream_sends_what_the_page_has_and_again_what_has_changed(flower: Flower) -> None:
    with events(flower, "/fallback/stream/providers") as sent:
        assert next(sent).strip() in flower.page("/fallback/providers")
        control(flower.store, "openai", "open", by="ann at noon", seconds=600)
        assert any("forced open" in html and "by ann at noon" in html for html in sent)
        control(flower.store, "openai", "reset", by="test")
        assert any("forced open" not in html for html in sent)


@pytest.mark.parametrize("path", PATHS)
def test_what_comes_from_outside_is_escaped(flower: Flower, path: str) -> None:
    store = flower.store
    fields = {"type": HOSTILE, "provider": HOSTILE, "at_ms": "1", "request": HOSTILE, "failure": HOSTILE}
    (now, _) = store.run(("TIME",))[0]
    store.redis.xadd(store.keys.events, fields | {"at_ms": str(int(now) * 1000)})
    store.redis.hset(store.keys.breaker("claude"), mapping={"error": HOSTILE, "error_at": int(now) * 1000, "seen": 1})
    store.run(dead_letters.keep(store, HOSTILE, HOSTILE, {}, ChainExhausted(HOSTILE)))
    try:
        page = flower.page(path if "some-task" not in path else f"/fallback/completion/{quote(HOSTILE, safe='')}")
        assert "<img src=x" not in page
        assert ("&lt;img" in page) == any(word in path for word in ("providers", "events", "dead", "completion"))
    finally:
        store.redis.flushall()


def test_a_typed_id_leads_to_its_completion(flower: Flower) -> None:
    answer = flower.client.get("/fallback/find", params={"task": " a/b?c "})
    assert (answer.status_code, answer.headers["location"]) == (302, f"/{PREFIX}/fallback/completion/a/b%3Fc")
    assert "a/b?c" in flower.page("/fallback/completion/a%2Fb%3Fc")


def test_no_page_shows_a_key_or_the_password(flower: Flower) -> None:
    for path in PATHS:
        page = flower.page(path)
        assert KEY not in page
        assert LOGIN[1] not in page


def test_flower_s_own_pages_lead_to_ours(flower: Flower) -> None:
    assert f'href="/{PREFIX}/fallback/providers"' in flower.page("/workers")


def test_while_redis_is_down_the_pages_say_so_and_go_on_when_it_is_back(own_flower: Flower) -> None:
    with events(own_flower, "/fallback/stream/providers") as sent:
        assert "claude" in next(sent)
        own_flower.server.process.kill()
        assert any("no Redis" in html for html in sent)
        page = own_flower.page("/fallback/queue")
        assert "no Redis" in page
        own_flower.server.process.start()
        assert any("claude" in html for html in sent)
    wait_until(lambda: "no Redis" not in own_flower.page("/fallback/queue"))


def test_a_browser_that_goes_leaves_nothing_behind(flower: Flower) -> None:
    for _ in range(100):  # more than may watch at the same time
        with events(flower, "/fallback/stream/workers") as sent:
            next(sent)

"""A fleet whose pages a real Chromium shows; with SCREENSHOTS=1, and pngquant, its pictures go into docs/pages."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from playwright.sync_api import expect, sync_playwright

from tasks.local import celery_nodes, llmock
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.process import Process
from tests.end_to_end.vendors import QUESTION
from tests.tasks.flower.pages.conftest import LOGIN, Flower, start
from worker.admission.breaker import control

CHROMIUM = shutil.which("chromium")
SHOTS = Path(__file__).parents[5] / "docs" / "pages"
LARGEST = 80_000
"""Bytes of a picture in the documentation."""

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
QUICK = {"FALLBACK_BREAKER__COOLDOWN_PERIOD": "2", "FALLBACK_CHAINS__DEFAULT__RETRY__INITIAL_BACKOFF": "0.2"}
WAITING = {"FALLBACK_CHAINS__LOW-COST__WHEN_EXHAUSTED": "wait"}
LIMITS = {"FALLBACK_PROVIDERS__CLAUDE__LIMITS__REQUESTS_PER_MINUTE": "500"}


@dataclass
class Bed:
    """A fleet with a worker, its simulated vendors, and Flower."""

    flower: Flower
    vendors: LLMock
    worker: Process
    producer: Any

    def forget(self) -> None:
        """Lets every vendor answer, and every breaker be new."""
        self.vendors.reset()
        for provider in self.flower.settings.providers:
            control(self.flower.store, provider, "reset", by="test")

    def ask(self, number: int = 1, chain: str = "default", **options: Any) -> list[Any]:
        """Queues completions and returns their results once all have ended."""
        results = self.queue(number, chain, **options)
        for result in results:
            result.get(timeout=60, propagate=False)
        return results

    def queue(self, number: int, chain: str = "default", **options: Any) -> list[Any]:
        """Queues completions and returns their results, which may take a while."""
        options = {"queue": "completions", "priority": 6, **options}
        argument = {"args": (QUESTION,), "kwargs": {"chain": chain}, **options}
        return [self.producer.send_task("fallback.complete", **argument) for _ in range(number)]


@pytest.fixture(scope="module")
def bed(chromium: Any, tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str]) -> Iterator[Bed]:
    with Fleet(tmp_path_factory.mktemp("pages"), clean_environment) as fleet:
        vendors = llmock.start(fleet)
        variables = {**vendors.environment, "LLAMA_CPP_BASE_URL": vendors.url, **QUICK, **WAITING, **LIMITS}
        flower = start(fleet, **variables)
        worker = celery_nodes.start_worker(fleet, "first")
        url = flower.settings.redis_url
        with Celery("shop", broker=url, backend=url, set_as_current=False) as producer, flower.client:
            yield Bed(flower, vendors, worker, producer)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def look(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def look_at(chromium: Any, bed: Bed) -> Iterator[Any]:
    """Opens a page in a look; whatever the browser complains of fails the test."""
    complaints: list[str] = []
    contexts = []

    def opened(path: str, look: str = "light") -> Any:
        context = chromium.new_context(
            color_scheme=look,
            viewport={"width": 1100, "height": 700},
            http_credentials={"username": LOGIN[0], "password": LOGIN[1]},
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(f"{bed.flower.client.base_url}{path.lstrip('/')}")
        if "/fallback/" in path:
            is_live(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def is_complaint(said: Any) -> bool:
    """Returns whether a line of the browser's console is an error, but for a Flower that is down."""
    return said.type == "error" and "net::ERR_" not in said.text


def is_live(page: Any) -> None:
    expect(page.locator("#fallback-status")).to_have_text("Live", timeout=20_000)


def has(page: Any, selector: str, text: str) -> None:
    """Waits until a part of the page has a text."""
    expect(page.locator(selector)).to_contain_text(text, timeout=20_000)


def picture(page: Any, name: str, look: str) -> None:
    """Takes a picture, for the documentation where it is asked for."""
    taken = page.screenshot(animations="disabled")
    if os.environ.get("SCREENSHOTS"):
        smaller = subprocess.run(["pngquant", "-"], input=taken, stdout=subprocess.PIPE, check=True).stdout
        assert len(smaller) < LARGEST
        SHOTS.mkdir(exist_ok=True)
        (SHOTS / f"{name}{'-dark' if look == 'dark' else ''}.png").write_bytes(smaller)

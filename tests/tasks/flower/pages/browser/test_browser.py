"""The pages in a real Chromium, in both looks."""

import signal
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.end_to_end.vendors import fail
from tests.tasks.flower.pages.browser.conftest import Bed, has, is_live, picture
from tests.waiting import wait_until
from worker.admission.breaker import control
from worker.task import parking

pytestmark = pytest.mark.tools


def stamped() -> dict[str, Any]:
    """Returns headers that say when a completion was queued, as those of our own producer do."""
    return {"fallback": {"version": 2, "queued_at": time.time() - 4, "deadline_at": time.time() + 600}}


@pytest.fixture(scope="module")
def busy(bed: Bed) -> Bed:
    """The fleet after calls of each kind: answers, a retry, a failover, and failures for good."""
    bed.ask(30)
    fail(bed.vendors, "claude", 500, times=2)
    bed.ask(1, task_id="retried-and-answered")
    fail(bed.vendors, "claude", 529)
    fail(bed.vendors, "llama_cpp", 401)
    bed.ask(12)
    for provider in ("claude", "llama_cpp", "openai"):
        fail(bed.vendors, provider, 400)
    bed.ask(3, "local-first")
    return bed


@pytest.mark.parametrize(
    ("name", "subject", "selector", "text"),
    [
        ("providers", "", "#provider-claude", "overloaded 529"),
        ("events", "", "#lane-claude", "claude"),
        ("dead-letters", "", "#groups ~ div", "InvalidRequest"),
        ("workers", "", "#workers ~ div", "takes completions"),
        ("completion", "/retried-and-answered", "#completion ~ dl", "answered"),
    ],
)
def test_each_page_is_live_in_both_looks(
    busy: Bed, look_at: Any, look: str, name: str, subject: str, selector: str, text: str
) -> None:
    page = look_at(f"/fallback/{name}{subject}", look)
    has(page, selector, text)
    assert page.locator("html").get_attribute("data-bs-theme") == look
    picture(page, name, look)


def test_a_provider_that_fails_and_recovers_is_seen_without_a_reload(bed: Bed, look_at: Any, look: str) -> None:
    bed.forget()
    page = look_at("/fallback/providers", look)
    page.evaluate("document.title = 'not loaded again'")
    bed.ask(3)
    has(page, "#provider-claude", "healthy")
    fail(bed.vendors, "claude", 500)
    bed.ask(6)
    has(page, "#provider-claude", "unhealthy")
    has(page, "#provider-claude", "transient 500")
    picture(page, "failing", look)
    bed.vendors.reset()
    has(page, "#provider-claude", "due")  # the cooldown is over
    for _ in range(3):  # each of the first two takes the one permit
        bed.ask()
    has(page, "#provider-claude", "closed")
    expect(page.locator("#provider-claude .fallback-unhealthy")).to_have_count(0)
    assert page.title() == "not loaded again"


def test_what_waits_is_seen_to_come_and_to_go(bed: Bed, look_at: Any, look: str) -> None:
    bed.forget()
    page = look_at("/fallback/queue", look)
    for provider in bed.flower.settings.providers:
        # For less than a completion may take: one whose deadline comes first fails at once.
        control(bed.flower.store, provider, "open", by="test", seconds=300)
    parked = bed.queue(7, "low-cost", priority=9)
    # On a machine that is busy for seconds, the worker may take Redis for dead, and ask a provider all the same.
    wait_until(lambda: parking.count(bed.flower.store) + sum(each.ready() for each in parked) == len(parked), 30)
    has(page, "#chain-low-cost", str(parking.count(bed.flower.store)))
    bed.worker.signal(signal.SIGSTOP)
    queued = bed.queue(40, headers=stamped())
    has(page, "#queue-6", "40")
    picture(page, "queue", look)
    bed.forget()
    bed.worker.signal(signal.SIGCONT)
    for result in (*parked, *queued):
        result.get(timeout=60)
    expect(page.locator(".metric-value").first).to_have_text("0", timeout=20_000)


def test_keys_alone_lead_everywhere(busy: Bed, look_at: Any) -> None:
    page = look_at("/fallback/providers")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Events":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/fallback/events")
    page.locator("#fallback-task").focus()
    page.keyboard.type("retried-and-answered")
    page.keyboard.press("Enter")
    page.wait_for_url("**/fallback/completion/retried-and-answered")
    has(page, "#completion ~ dl", "answered")


def test_what_has_the_focus_keeps_it_while_the_page_changes(bed: Bed, look_at: Any) -> None:
    bed.forget()
    fail(bed.vendors, "claude", 500, times=1)
    bed.ask(1, task_id="first-of-all")
    page = look_at("/fallback/events")
    link = page.get_by_role("link", name="first-of-all")
    link.focus()
    fail(bed.vendors, "claude", 500, times=3)
    bed.ask(1, task_id="one-more")
    expect(page.get_by_role("link", name="one-more").first).to_be_visible(timeout=20_000)
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/fallback/completion/first-of-all")


def test_a_task_s_page_of_flower_leads_to_its_completion(bed: Bed, look_at: Any) -> None:
    bed.forget()
    [result] = bed.ask(1)
    wait_until(lambda: bed.flower.client.get(f"task/{result.id}").status_code == 200)  # it has the task from an event
    page = look_at(f"/task/{result.id}")
    page.get_by_role("link", name="Providers, waterfall and cost").click()
    page.wait_for_url(f"**/fallback/completion/{result.id}")
    has(page, "#completion ~ dl", "answered")


def test_markup_in_an_id_is_text(bed: Bed, look_at: Any) -> None:
    bed.forget()
    fail(bed.vendors, "claude", 500, times=1)
    hostile = "<img src=x onerror=alert(1)>"
    bed.ask(1, task_id=hostile)
    page = look_at("/fallback/events")
    expect(page.get_by_role("link", name=hostile).first).to_be_visible(timeout=20_000)
    assert page.locator("#fallback-live img").count() == 0


def test_a_flower_that_went_and_came_back_is_found_again(bed: Bed, look_at: Any) -> None:
    page = look_at("/fallback/workers")
    bed.flower.process.kill()
    has(page, "#fallback-status", "Connection lost, trying again")
    bed.flower.process.start()
    is_live(page)

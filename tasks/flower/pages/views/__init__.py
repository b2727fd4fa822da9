"""What each page shows, as JSON values: a function a page, from the settings and the store."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from config.settings import Settings
from tasks.flower.pages.views.completion import completion
from tasks.flower.pages.views.dead_letters import dead_letters
from tasks.flower.pages.views.events import events
from tasks.flower.pages.views.providers import providers
from tasks.flower.pages.views.queue import queue
from tasks.flower.pages.views.workers import workers
from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class View:
    """A page: its name in addresses and of its template, its title, and the function that reads what it shows.

    One with a subject is about a thing, such as a task, whose id its address has and its function gets.
    """

    name: str
    title: str
    function: Callable[..., dict[str, Any]]
    has_subject: bool = False

    def read(self, settings: Settings, store: Store, subject: str) -> dict[str, Any]:
        """Returns what the page shows now.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        return self.function(settings, store, *([subject] if self.has_subject else []))


VIEWS = (
    View("providers", "Providers", providers),
    View("queue", "Parked and queued", queue),
    View("events", "Events", events),
    View("dead-letters", "Dead letters", dead_letters),
    View("workers", "Workers", workers),
    View("completion", "Completion", completion, has_subject=True),
)

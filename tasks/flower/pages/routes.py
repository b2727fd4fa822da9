"""The addresses of our pages, and what answers there: a page, its stream, our static files."""

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flower.views import BaseHandler
from redis.exceptions import ResponseError
from tornado import web
from tornado.iostream import StreamClosedError
from tornado.routing import URLSpec
from tornado.web import StaticFileHandler, url

from tasks.celery import settings
from tasks.flower.pages.feed import Feeds, Watcher
from tasks.flower.pages.templates import OURS, Templates
from tasks.flower.pages.text import SHOWN
from tasks.flower.pages.views import VIEWS, View
from tasks.store import store
from worker.diagnosis.problems import redis_problem
from worker.errors import RedisUnavailable

QUIET = 15.0
"""Seconds after which a stream sends a comment, lest a proxy takes it for dead."""

LONGEST = 600.0
"""Seconds that a stream lasts. The browser then asks for another one, and shows again that it may."""

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
POLICY += "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

TEMPLATES = Templates()

_logger = logging.getLogger(__name__)
_feeds = Feeds()
_pool = ThreadPoolExecutor(4, thread_name_prefix="pages")  # Flower's own would wait while Redis hangs


class _Ours(BaseHandler):
    """One view: reads it and makes HTML of it, outside of Flower's event loop."""

    def initialize(self, view: View) -> None:
        """Sets what is shown here."""
        self.view = view

    def set_default_headers(self) -> None:
        """Sets Flower's headers and ours: nothing is run or loaded that does not come from here."""
        super().set_default_headers()
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")

    async def read(self, subject: str) -> str:
        """Returns the HTML of the view as it is now, or of the reason why it could not be read."""
        return await asyncio.get_running_loop().run_in_executor(_pool, self._read, subject)

    def _read(self, subject: str) -> str:
        try:
            found: dict[str, Any] = self.view.read(settings, store(), subject)
            return self._made(self.view.name, found)
        except (RedisUnavailable, ResponseError) as exc:
            return self._made("outage", {"problems": [asdict(redis_problem(settings, store(), exc))]})
        except Exception:
            _logger.exception("page-failed page=%s", self.view.name)  # else the page would stand still, and say nothing
            return self._made("failed", {})

    def _made(self, name: str, found: dict[str, Any]) -> str:
        template = TEMPLATES.load(f"{OURS}{name}.html")
        return template.generate(**SHOWN, view=found, reverse_url=self.application.reverse_url).decode()


class Page(_Ours):
    """A whole page with its state as it is now."""

    @web.authenticated
    async def get(self, subject: str = "") -> None:
        """Answers with the page."""
        stream = self.reverse_url(f"fallback-{self.view.name}-stream", *([subject] if self.view.has_subject else []))
        self.render(f"{OURS}page.html", view=self.view, views=VIEWS, html=await self.read(subject), stream=stream)


class Stream(_Ours):
    """A page's state again and again, as server-sent events `view`: its HTML as a JSON string."""

    watcher: Watcher | None = None

    @web.authenticated
    async def get(self, subject: str = "") -> None:
        """Sends what has changed until the browser goes."""
        self.watcher = _feeds.watch((self.view.name, subject), lambda: self.read(subject))
        if self.watcher is None:
            raise web.HTTPError(503, "too many browsers watch")
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST
        try:
            while self.watcher and loop.time() < end:
                html = await self.watcher.next(QUIET)
                self.write(": still here\n\n" if html is None else f"event: view\ndata: {json.dumps(html)}\n\n")
                await self.flush()
        except StreamClosedError:
            pass
        finally:
            self._leave()

    def on_connection_close(self) -> None:
        """Ends the watching of a browser that went."""
        if self.watcher:
            self.watcher.changed.set()
        self._leave()

    def _leave(self) -> None:
        if self.watcher:
            self.watcher.close()
        self.watcher = None


class Find(BaseHandler):
    """Leads from a completion's id, as somebody typed it, to its page."""

    @web.authenticated
    def get(self) -> None:
        """Answers with the address of the page."""
        task = self.get_query_argument("task", "").strip()
        self.redirect(self.reverse_url("fallback-completion", task) if task else self.reverse_url("fallback-providers"))


def routes() -> list[URLSpec]:
    """Returns the addresses; Flower puts its prefix before each."""
    static = {"path": str(Path(__file__).parent / "static")}
    found = [url(r"/fallback/static/(.*)", StaticFileHandler, static, name="fallback-static")]
    found.append(url(r"/fallback/find", Find, name="fallback-find"))
    for view in VIEWS:
        # A task's id may hold a slash, so the stream's address comes before and is told apart by its beginning.
        subject = "/(.+)" if view.has_subject else ""
        found += [
            url(rf"/fallback/stream/{view.name}{subject}", Stream, {"view": view}, name=f"fallback-{view.name}-stream"),
            url(rf"/fallback/{view.name}{subject}", Page, {"view": view}, name=f"fallback-{view.name}"),
        ]
    return found

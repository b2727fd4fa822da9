"""Reads of pages, shared: however many browsers look at one, it is read once every `EVERY` seconds."""

import asyncio
from collections.abc import Awaitable, Callable

EVERY = 2.0
"""Seconds between two reads of a page that somebody looks at."""

_REST = 5.0
"""Times the length of a read that follow without one: a page that takes long must not keep Redis busy."""

MOST = 64
"""Browsers that may watch at the same time; each holds a connection of Flower's."""

Read = Callable[[], Awaitable[str]]


class Feed:
    """One page's HTML for those who watch it. It is read while there are any.

    All methods run in Flower's event loop; `read` must not block it, and raises nothing.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._watchers: set[Watcher] = set()
        self._reading: asyncio.Task[None] | None = None
        self.html = ""

    def add(self, watcher: "Watcher") -> None:
        """Adds somebody who watches; the first one starts the reading."""
        self._watchers.add(watcher)
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read_on())

    def discard(self, watcher: "Watcher") -> int:
        """Removes somebody who watched; returns how many are left. After the last one the reading ends."""
        self._watchers.discard(watcher)
        if not self._watchers and self._reading:
            self._reading.cancel()
            self._reading = None
        return len(self._watchers)

    async def _read_on(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began_at = loop.time()
            html = await self._read()
            took = loop.time() - began_at
            if html != self.html:
                self.html = html
                for watcher in self._watchers:
                    watcher.changed.set()
            await asyncio.sleep(max(EVERY, _REST * took))


class Feeds:
    """The feeds that are being watched, by page."""

    def __init__(self) -> None:
        self._feeds: dict[tuple[str, ...], Feed] = {}
        self._watched = 0

    def watch(self, page: tuple[str, ...], read: Read) -> "Watcher | None":
        """Returns a watcher of a page, whose `close` must be called; None if there are too many."""
        if self._watched >= MOST:
            return None
        self._watched += 1
        return Watcher(self, page, self._feeds.setdefault(page, Feed(read)))

    def remove(self, page: tuple[str, ...], watcher: "Watcher") -> None:
        """Removes a watcher, and its feed if it was the last one."""
        self._watched -= 1
        if not self._feeds[page].discard(watcher):
            del self._feeds[page]


class Watcher:
    """One browser that watches a page."""

    def __init__(self, feeds: Feeds, page: tuple[str, ...], feed: Feed) -> None:
        self.changed = asyncio.Event()
        self._feeds, self._page, self._feed = feeds, page, feed
        self._closed = False
        if feed.html:
            self.changed.set()
        feed.add(self)

    async def next(self, within: float) -> str | None:
        """Returns the page's HTML once it has changed; None if it did not within so many seconds.

        Whoever comes late gets the newest alone.
        """
        try:
            await asyncio.wait_for(self.changed.wait(), within)
        except TimeoutError:
            return None
        self.changed.clear()
        return self._feed.html

    def close(self) -> None:
        """Ends the watching; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._feeds.remove(self._page, self)

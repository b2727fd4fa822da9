"""However many look at a page, it is read once, and only what has changed is sent."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tasks.flower.pages import feed
from tasks.flower.pages.feed import Feeds, Watcher

PAGE = ("providers", "")
LONG = 30.0


class Reads:
    """Returns each given text in turn, the last one for ever; counts."""

    def __init__(self, *texts: str) -> None:
        self.texts, self.number = list(texts), 0

    async def __call__(self) -> str:
        self.number += 1
        return self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]


def in_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[pytest.MonkeyPatch], None]:
    """Runs a test in an event loop, with reads that follow each other at once."""

    def run(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(feed, "EVERY", 0.001)
        asyncio.run(test())

    run.__name__ = test.__name__
    return run


def watch(feeds: Feeds, read: Reads) -> Watcher:
    watcher = feeds.watch(PAGE, read)
    assert watcher
    return watcher


@in_a_loop
async def test_all_who_watch_a_page_share_its_reads() -> None:
    feeds, reads = Feeds(), Reads("one", "two")
    watchers = [watch(feeds, reads) for _ in range(20)]
    assert {await each.next(LONG) for each in watchers} <= {"one", "two"}
    assert reads.number <= 3
    for each in watchers:
        each.close()


@in_a_loop
async def test_what_stays_the_same_is_not_sent_again() -> None:
    feeds, reads = Feeds(), Reads("one")
    watcher = watch(feeds, reads)
    assert await watcher.next(LONG) == "one"
    assert await watcher.next(0.05) is None
    assert reads.number > 2
    watcher.close()


@in_a_loop
async def test_who_comes_late_gets_the_newest() -> None:
    feeds = Feeds()
    first = watch(feeds, Reads("one"))
    assert await first.next(LONG) == "one"
    second = watch(feeds, Reads("never read"))
    assert await second.next(LONG) == "one"
    first.close()
    second.close()


@in_a_loop
async def test_a_slow_browser_gets_the_newest_alone() -> None:
    feeds, reads = Feeds(), Reads(*map(str, range(5)))
    watcher = watch(feeds, reads)
    while reads.number < 7:
        await asyncio.sleep(0.001)
    assert await watcher.next(LONG) == "4"
    assert await watcher.next(0.01) is None
    watcher.close()


@in_a_loop
async def test_nothing_is_read_once_nobody_watches() -> None:
    feeds, reads = Feeds(), Reads("one")
    watcher = watch(feeds, reads)
    await watcher.next(LONG)
    watcher.close()
    watcher.close()
    number = reads.number
    await asyncio.sleep(0.02)
    assert reads.number == number


@in_a_loop
async def test_the_number_of_those_who_watch_is_bounded() -> None:
    feeds, reads = Feeds(), Reads("one")
    watchers = [watch(feeds, reads) for _ in range(feed.MOST)]
    assert feeds.watch(PAGE, reads) is None
    watchers.pop().close()
    assert feeds.watch(PAGE, reads)

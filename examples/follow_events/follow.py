"""Posts what changes in the fleet to a webhook, and goes on after a restart where it stopped.

Fallback writes every change of a breaker or of a provider's health to a Redis stream, once for the whole fleet. This
program reads the stream and posts the entries worth an alert as JSON: `text` for a chat, `id`, and `event` with all
fields (every value is a string; names that end in `_ms` are milliseconds).

Each event is posted at least once. Its id is written to the state file after the webhook has accepted it, so a crash
in between posts that event again: the receiver can drop an id that it knows. While the webhook does not answer, the
program tries again and posts nothing later; the stream keeps about 10,000 events.

Run one of these per fleet:

    pip install httpx redis
    python follow.py --redis redis://127.0.0.1:6379/0 --webhook http://127.0.0.1:9000/hook --state /var/lib/follow.id

The first start begins with the next event; `--from-start` begins with the oldest that the stream has.
"""

import argparse
import logging
import os
import time
from pathlib import Path
from typing import cast

import httpx
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

STREAM = "{fallback}:2:events"
"""The namespace stands in the braces; they are part of the key."""

ALERTS = {
    "circuit-breaker-open",
    "circuit-breaker-closed",
    "circuit-breaker-forced-open",
    "circuit-breaker-forced-closed",
    "circuit-breaker-reset",
    "provider-unhealthy",
    "provider-recovered",
    "provider-deprioritised",
    "slow-began",
    "slow-ended",
    "provider-auth-locked",
    "provider-auth-unlocked",
    "message-quarantined",
}
"""Left out: request-failure, which a busy fleet writes often, and the half-open and would-be events."""

POLL, LONGEST_PAUSE = 1.0, 60.0
Event = dict[str, str]
log = logging.getLogger("follow")


def main() -> None:
    """Follows the stream until the process ends."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log the webhook's URL, which is often a secret
    redis = Redis.from_url(options.redis, decode_responses=True, socket_timeout=5, socket_connect_timeout=2)
    with httpx.Client(timeout=10) as client:
        last = _first(redis, options.state, from_start=options.from_start)
        while True:
            entries = _after(redis, last)
            for last, event in entries:
                if event["type"] in ALERTS:
                    _deliver(client, options.webhook, last, event)
                _save(options.state, last)
            if not entries:
                time.sleep(POLL)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Posts the events of a Fallback fleet to a webhook.")
    parser.add_argument("--redis", default=os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"))
    parser.add_argument("--webhook", required=True, metavar="URL")
    parser.add_argument("--state", required=True, type=Path, metavar="FILE", help="keeps the id of the last event")
    parser.add_argument("--from-start", action="store_true", help="if FILE is not there: begin with the oldest event")
    return parser.parse_args()


def _first(redis: Redis, state: Path, *, from_start: bool) -> str:
    if state.exists():
        return state.read_text("utf-8").strip()
    newest = [] if from_start else _entries(redis, newest=True)
    last = newest[0][0] if newest else "0-0"
    _save(state, last)
    log.info("following from %s", last)
    return last


def _after(redis: Redis, last: str) -> list[tuple[str, Event]]:
    return _entries(redis, start=f"({last}")


def _entries(redis: Redis, start: str = "-", *, newest: bool = False) -> list[tuple[str, Event]]:
    """Returns up to 100 events from `start` on, or the newest one; waits while Redis does not answer."""
    while True:
        try:
            found = redis.xrevrange(STREAM, count=1) if newest else redis.xrange(STREAM, min=start, count=100)
            return cast("list[tuple[str, Event]]", found)  # as decode_responses is set
        except (RedisConnectionError, RedisTimeoutError) as exc:
            log.warning("Redis does not answer: %s", exc)
            time.sleep(POLL)


def _deliver(client: httpx.Client, url: str, entry: str, event: Event) -> None:
    """Posts until the webhook accepts the event, or refuses it for good."""
    about = event["provider"] or "fleet"
    detail = event.get("cause") or event.get("by") or ""
    body = {"text": f"{about}: {event['type']} {detail}".rstrip(), "id": entry, "event": event}
    pause = POLL
    while True:
        try:
            answer = client.post(url, json=body)
        except httpx.TransportError as exc:
            said = type(exc).__name__
        else:
            said = str(answer.status_code)
            if answer.is_success:
                log.info("posted %s %s", entry, event["type"])
                return
            if answer.status_code < 500 and answer.status_code not in (408, 429):
                log.error("the webhook refused %s %s: %s", entry, event["type"], said)
                return
        log.warning("the webhook did not take %s: %s; again in %g s", entry, said, pause)
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _save(state: Path, last: str) -> None:
    """Replaces the file in one step, so that a crash leaves the old id or the new one."""
    draft = state.with_suffix(".new")
    draft.write_text(last, "utf-8")
    draft.replace(state)


if __name__ == "__main__":
    main()

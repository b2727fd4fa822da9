"""Posts one message to a receiver, over connections that nothing else uses."""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import httpx
from pydantic import SecretStr

from config.alerts import Receiver
from worker.alerts.message import Message
from worker.alerts.signature import headers
from worker.providers import credentials
from worker.providers.http.client import KEPT
from worker.providers.http.retry_after import parse_retry_after

GONE = 410
"""The status of a receiver that wants nothing more (Standard Webhooks)."""

_LONGEST_BODY = 16_384
_HEADERS = {"User-Agent": "fallback-workers", "Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered: `said` is its status, or the name of the error; `retry_after` is in seconds."""

    said: str
    is_accepted: bool = False
    is_gone: bool = False
    retry_after: float | None = None


class Webhook:
    """The client of one receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver, self._url = receiver, receiver.url or SecretStr("")
        limits = dict.fromkeys(("connect", "read", "write", "pool"), receiver.timeout)
        self._http = httpx.Client(timeout=httpx.Timeout(**limits), limits=httpx.Limits(keepalive_expiry=KEPT))
        self._extensions = {"timeout": limits}

    def post(self, message: Message) -> Reply:
        """Posts a message once. It follows no redirect, which would show message and signature to another host."""
        receiver = self._receiver
        body = message.slack() if receiver.format == "slack" else message.standard()
        secret = credentials.current(receiver.secret) if receiver.secret else ""
        signed = headers(message.id, body, secret, time.time())
        try:
            url = httpx.URL(credentials.current(self._url))
            request = httpx.Request(
                "POST", url, headers={**_HEADERS, **signed}, content=body, extensions=self._extensions
            )
            # The client's own `send` would log the URL, which is a secret.
            response = self._http._transport_for_url(url).handle_request(request)
            try:
                self._drain(response)
                return _reply(response)
            finally:
                response.close()
        except (httpx.TransportError, httpx.InvalidURL) as exc:
            return Reply(type(exc).__name__)

    def _drain(self, response: httpx.Response) -> None:
        """Reads a short body, after which the connection can be used again. What it says is of no interest."""
        ends_at, size = time.monotonic() + self._receiver.timeout, 0
        with suppress(httpx.TransportError):
            for piece in cast("httpx.SyncByteStream", response.stream):
                size += len(piece)
                if size > _LONGEST_BODY or time.monotonic() > ends_at:
                    return

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()


def _reply(response: httpx.Response) -> Reply:
    status = response.status_code
    accepted = 200 <= status < 300
    return Reply(str(status), accepted, status == GONE, None if accepted else parse_retry_after(response.headers))

"""Transports that answer at once, from memory: what is left of a call is building its request and taking its answer."""

import httpx
import httpx2

_HEADERS = {"Content-Type": "application/json"}


class ForOurs(httpx.BaseTransport):
    """The one below this project's asking."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Returns the answer, once the request's body is all there."""
        request.read()
        return httpx.Response(200, headers=_HEADERS, content=self._answer)


class ForTheirs(httpx2.BaseTransport):
    """The one below the vendors' packages, which have another httpx."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Returns the answer, once the request's body is all there."""
        request.read()
        return httpx2.Response(200, headers=_HEADERS, content=self._answer)

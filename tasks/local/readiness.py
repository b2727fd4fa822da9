"""Readiness checks of processes on this machine."""

import http.client
from collections.abc import Callable

from tasks.local.process import Process


def http_answers(port: int, path: str) -> Callable[[Process], bool]:
    """Returns a check whether a GET of the path gets a 200.

    It uses http.client, because each new httpx client would load the certificates.
    """

    def check(_process: Process) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return check


def writes(text: str) -> Callable[[Process], bool]:
    """Returns a check whether the process has written a text since its start."""
    return lambda process: text in process.output()


def runs(_process: Process) -> bool:
    """Returns True: the check of a process that is ready as soon as it runs."""
    return True

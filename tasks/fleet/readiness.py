"""Whether a server on this machine answers."""

import http.client
from collections.abc import Callable

from tasks.fleet.process import Process


def http_answers(port: int, path: str) -> Callable[[Process], bool]:
    """Returns a check that a GET of the path gets a 200.

    With http.client: an httpx client per question would load the certificates each time.
    """

    def ask(_process: Process) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def writes(words: str) -> Callable[[Process], bool]:
    """Returns a check that the process wrote the words since its start."""
    return lambda process: words in process.output()


def runs(_process: Process) -> bool:
    """The check of a process that has nothing to answer with: it runs, hence it is ready."""
    return True

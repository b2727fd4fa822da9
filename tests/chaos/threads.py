"""A producer of this code base whose threads each queue a completion and then wait for it, all at the same time."""

import json
import sys
import threading

import psutil

from tasks import app, complete
from tests.chaos.provider import prompt
from tests.waiting import wait_until


def run(threads: int) -> dict[str, object]:
    """Returns how many `answers` came, the `errors`, and the most `connections` to Redis."""
    answers: list[str] = []
    errors: list[str] = []
    together = threading.Barrier(threads)

    def ask(number: int) -> None:
        try:
            result = complete.delay({"messages": [{"role": "user", "content": prompt(f"{number:08x}")}]})
            together.wait(60)
            answers.append(result.get(timeout=120)["id"])
        except Exception as exc:  # noqa: BLE001 - whatever a producer would have got
            errors.append(repr(exc))

    port = int(app.conf.broker_url.rpartition(":")[2].partition("/")[0])
    most = 0
    waiting = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(threads)]
    for each in waiting:
        each.start()

    def over() -> bool:
        nonlocal most
        # Those of a server that died are closed on its side, and are no connections of the next one.
        sockets = [each for each in psutil.Process().net_connections() if each.status == psutil.CONN_ESTABLISHED]
        most = max(most, sum(each.raddr.port == port for each in sockets))
        return not any(each.is_alive() for each in waiting)

    wait_until(over, 140)
    return {"answers": len(set(answers)), "errors": errors, "connections": most}


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]))))

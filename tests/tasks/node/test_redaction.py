"""What a worker's log must not show."""

import socket
import threading
from contextlib import suppress

from tasks.local import commands
from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tests.waiting import wait_until


def repeat_arguments(server: socket.socket) -> None:
    """Answers each connection as a server that does not know HELLO: with the arguments that it got."""
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            said = b" ".join(client.recv(4096).split(b"\r\n")[2::2])
            client.sendall(b"-ERR unknown command, with args beginning with: " + said + b"\r\n")
            client.close()


def test_a_server_that_repeats_the_login_does_not_bring_the_password_into_the_log(fleet: Fleet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=repeat_arguments, args=(server,), daemon=True).start()
        url = f"redis://:a%2Fsecret@127.0.0.1:{server.getsockname()[1]}/0"
        worker = fleet.start("worker", commands.worker("worker"), environment={"REDIS_URL": url}, cwd=ROOT)
        wait_until(lambda: "Cannot connect to" in worker.output() and "HELLO" in worker.output())
    assert "a/secret" not in worker.output()

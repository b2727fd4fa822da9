import socket

import pytest

from tasks.local import ports
from tasks.local.errors import FleetError


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", ports.free_port()))


def test_a_taken_port_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", ports.free_port()))
        listener.listen()
        taken = listener.getsockname()[1]
        monkeypatch.setattr(ports.random, "sample", lambda *_: [taken])
        with pytest.raises(FleetError, match="no free port"):
            ports.free_port()


def test_a_preferred_port_is_given_while_it_is_free() -> None:
    preferred = ports.free_port()
    assert ports.free_port(preferred) == preferred
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", preferred))
        assert ports.free_port(preferred) != preferred

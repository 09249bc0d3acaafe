"""Which Redis is started, how, and that a folder has one at most."""

from pathlib import Path
from typing import Literal

import pytest
import redis

from config.settings import RedisSettings
from shopkeeper import embedded
from shopkeeper.redis_connection import RedisDidNotStart, connect, wait_until_loaded

Durability = Literal["strict", "everysec"]


def a_program(folder: Path, version: str) -> Path:
    program = folder / "redis-server"
    program.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0:0 malloc=libc'\n")
    program.chmod(0o755)
    return program


def test_redis_on_the_path_is_used_from_7_0_on(tmp_path: Path) -> None:
    program = a_program(tmp_path, "7.0.15")
    assert embedded.find_redis_server(str(tmp_path)) == program


def test_older_redis_on_the_path_gives_way_to_the_one_of_the_wheel(tmp_path: Path) -> None:
    a_program(tmp_path, "6.2.14")
    found = embedded.find_redis_server(str(tmp_path))
    assert found.parent != tmp_path
    assert embedded.server_version(found) >= (7, 0)


def test_program_that_does_not_run_has_no_version(tmp_path: Path) -> None:
    broken = tmp_path / "redis-server"
    broken.write_text("no program")
    assert embedded.server_version(broken) == (0, 0)


def test_deep_data_folder_has_its_socket_elsewhere_and_always_in_the_same_place() -> None:
    deep = Path("/", *(["folder"] * 20))
    path = embedded.socket_path(deep)
    assert len(str(path)) <= embedded.MAX_SOCKET_PATH
    assert path == embedded.socket_path(deep) != embedded.socket_path(deep / "other")


def test_redis_starts_in_a_deep_data_folder(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["folder"] * 20)
    with (
        embedded.EmbeddedRedis(RedisSettings(data_folder=str(deep))) as url,
        connect(url) as client,
    ):
        assert client.ping()
    embedded.socket_path(deep).parent.rmdir()


def test_address_that_is_set_wins_over_the_embedded_one() -> None:
    assert embedded.redis_url(RedisSettings(url="redis://db:6379")) == "redis://db:6379"


@pytest.mark.parametrize(("durability", "sync"), [("strict", "always"), ("everysec", "everysec")])
def test_redis_keeps_what_it_is_given_and_never_evicts(
    short_folder: Path, durability: Durability, sync: str
) -> None:
    settings = RedisSettings(data_folder=str(short_folder), durability=durability)
    with embedded.EmbeddedRedis(settings) as url, connect(url) as client:
        told = client.config_get("appendonly", "appendfsync", "maxmemory", "maxmemory-policy")
        assert told == {
            "appendonly": "yes",
            "appendfsync": sync,
            "maxmemory": "1073741824",
            "maxmemory-policy": "noeviction",
        }


def test_data_is_there_again_after_a_kill(short_folder: Path) -> None:
    settings = RedisSettings(data_folder=str(short_folder), durability="strict")
    server = embedded.EmbeddedRedis(settings)
    with server as url:
        with connect(url) as client:
            client.set("kept", 1)
        assert server.process is not None
        server.process.kill()
        server.process.wait()
    with embedded.EmbeddedRedis(settings) as url, connect(url) as client:
        assert client.get("kept") == b"1"


def test_second_redis_on_the_same_folder_is_refused(short_folder: Path) -> None:
    settings = RedisSettings(data_folder=str(short_folder))
    with (
        embedded.EmbeddedRedis(settings),
        pytest.raises(embedded.RedisAlreadyRunning, match=r"already runs on .* and answers"),
        embedded.EmbeddedRedis(settings, release_seconds=0.1),
    ):
        pass


def test_redis_that_cannot_start_shows_its_last_words(short_folder: Path) -> None:
    (short_folder / "appendonlydir").mkdir()
    (short_folder / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with (
        pytest.raises(RedisDidNotStart, match=r"(?s)ended with code 1.*[Mm]anifest"),
        embedded.EmbeddedRedis(RedisSettings(data_folder=str(short_folder))),
    ):
        pass


def test_stopped_redis_leaves_no_socket(short_folder: Path) -> None:
    with embedded.EmbeddedRedis(RedisSettings(data_folder=str(short_folder))):
        assert (short_folder / "redis.sock").exists()
    assert not (short_folder / "redis.sock").exists()


def test_waiting_ends_when_nothing_answers(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/redis.sock"
    with pytest.raises(RedisDidNotStart, match=r"not ready within 0\.1 s"):
        wait_until_loaded(url, lambda: None, deadline_seconds=0.1)


def test_every_test_gets_an_empty_redis(redis_client: redis.Redis) -> None:
    assert redis_client.dbsize() == 0

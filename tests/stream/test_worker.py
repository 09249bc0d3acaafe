"""Whole worker processes on a real Redis: what they apply, and how they come and go."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

import msgspec
import pytest
import redis

from config.errors import SettingsError
from config.events import ENTRY_FIELD, SUBJECT_FIELD, Event, encode_entry
from config.keys import Ids, Keys
from config.settings import ProfileSettings, RedisSettings, Secrets, Settings
from online_models.users import UserState, decode_user
from stream.main import run_worker
from stream.readiness import check_redis, settle_creation
from tests.builders import IDS, an_event, an_identify, digest_of

KEYS = Keys("shop")
SECRETS = Secrets(secret=IDS.secret.hex(), write_keys=("w",), secret_keys=("s",))
SPAWN = multiprocessing.get_context("spawn")
PATIENCE_SECONDS = 30  # a guard against hanging, no bar


def settings_for(redis_url: str, session_gap_seconds: int = 1800) -> Settings:
    return Settings(
        redis=RedisSettings(url=redis_url, shards=IDS.n_shards),
        profile=ProfileSettings(session_gap_seconds=session_gap_seconds),
    )


@contextmanager
def workers(
    settings: Settings, *names: str, run: Callable[..., None] = run_worker
) -> Iterator[list[BaseProcess]]:
    """Run a process for each name; kill what is left of them in the end."""
    running = [
        SPAWN.Process(target=run, args=(settings, SECRETS, name), daemon=True) for name in names
    ]
    try:
        for process in running:
            process.start()
        yield list(running)
    finally:
        for process in running:
            process.kill()
            process.join()


def until(is_so: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > give_up_at:
            pytest.fail("waited in vain")
        time.sleep(0.02)


def append(client: redis.Redis, event: Event) -> None:
    event = msgspec.structs.replace(event, occurred_at=now_ms(), received_at=now_ms())
    digest = digest_of(event)
    fields: dict[Any, Any] = {ENTRY_FIELD: encode_entry(event), SUBJECT_FIELD: digest}
    client.xadd(KEYS.events(IDS.shard_of(digest)), fields)


def state_of(client: redis.Redis, user: str) -> UserState | None:
    subject = IDS.known(user)
    value: Any = client.get(KEYS.user(*subject))
    state = None if value is None else decode_user(value)
    return state if isinstance(state, UserState) else None


def n_events(client: redis.Redis, user: str) -> int:
    state = state_of(client, user)
    return 0 if state is None else state.n_events


def owners(client: redis.Redis) -> set[bytes | None]:
    found: Any = client.mget([KEYS.owner(shard) for shard in range(IDS.n_shards)])
    return set(found)


def now_ms() -> int:
    return int(time.time() * 1000)


def test_an_anonymous_history_joins_the_known_user_through_the_other_shard(
    redis_client: redis.Redis, redis_url: str
) -> None:
    with workers(settings_for(redis_url), "one"):
        for name in ("boots", "hat"):
            append(redis_client, an_event(user=None, anonymous="phone", product_id=name))
        append(redis_client, an_identify("ann", "phone"))
        until(lambda: n_events(redis_client, "ann") == 3)
        append(redis_client, an_event(user=None, anonymous="phone", product_id="tent"))
        until(lambda: n_events(redis_client, "ann") == 4)

    state = state_of(redis_client, "ann")
    assert state is not None
    assert {name for _, name in state.viewed} == {"boots", "hat", "tent"}


def test_a_quiet_session_ends_by_a_tick(redis_client: redis.Redis, redis_url: str) -> None:
    with workers(settings_for(redis_url, session_gap_seconds=1), "one"):
        append(redis_client, an_event())
        until(lambda: (state := state_of(redis_client, "ann")) and state.sessions.total == 1)


def test_a_worker_that_is_told_to_stop_gives_its_shards_back(
    redis_client: redis.Redis, redis_url: str
) -> None:
    with workers(settings_for(redis_url), "one") as (one,):
        until(lambda: owners(redis_client) == {b"one"})
        one.terminate()
        one.join(PATIENCE_SECONDS)

        assert one.exitcode == 0
        assert owners(redis_client) == {None}
        assert not redis_client.exists(KEYS.worker("one"))


def test_two_workers_share_the_shards_and_one_takes_over_when_the_other_is_killed(
    redis_client: redis.Redis, redis_url: str
) -> None:
    names = [f"user-{n}" for n in range(20)]
    with workers(settings_for(redis_url), "one", "two") as (one, _):
        until(lambda: owners(redis_client) == {b"one", b"two"})
        for name in names:
            append(redis_client, an_event(user=name))
        until(lambda: all(n_events(redis_client, name) == 1 for name in names))
        one.kill()
        for name in names:
            append(redis_client, an_event(user=name))
        until(lambda: all(n_events(redis_client, name) == 2 for name in names))

        assert owners(redis_client) == {b"two"}


def test_a_full_redis_is_emptied_of_what_nobody_needs_and_the_worker_goes_on(
    redis_client: redis.Redis, redis_url: str
) -> None:
    limit: Any = redis_client.config_get("maxmemory")
    with workers(settings_for(redis_url), "one") as (one,):
        for number in range(3_000):
            append(redis_client, an_event(message_id=f"m-{number}", text="x" * 1_000))
        until(lambda: n_events(redis_client, "ann") == 3_000)
        memory: Any = redis_client.info("memory")
        redis_client.config_set("maxmemory", memory["used_memory"] - 500_000)
        try:
            until(lambda: not is_full(redis_client))
            append(redis_client, an_event())
            until(lambda: n_events(redis_client, "ann") == 3_001)
        finally:
            redis_client.config_set("maxmemory", limit["maxmemory"])

        assert one.is_alive()


def is_full(client: redis.Redis) -> bool:
    try:
        client.set("test:room", 1)
    except redis.OutOfMemoryError:
        return True
    return False


def test_a_third_worker_joins_without_a_restart(redis_client: redis.Redis, redis_url: str) -> None:
    settings = settings_for(redis_url)
    with workers(settings, "one", "two"):
        until(lambda: owners(redis_client) == {b"one", b"two"})
        with workers(settings, "three"):
            until(lambda: b"three" in owners(redis_client))


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("appendonly", "no", "append-only"),
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
        ("maxmemory", "0", "memory limit"),
    ],
)
def test_a_redis_that_could_lose_events_is_refused(
    redis_client: redis.Redis, setting: str, value: str, message: str
) -> None:
    before: Any = redis_client.config_get(setting)
    redis_client.config_set(setting, value)
    try:
        with pytest.raises(SettingsError, match=message):
            check_redis(redis_client)
    finally:
        redis_client.config_set(setting, before[setting])
    check_redis(redis_client)


def test_data_of_another_shop_is_refused(redis_client: redis.Redis) -> None:
    settle_creation(redis_client, KEYS, IDS)
    settle_creation(redis_client, KEYS, IDS)

    with pytest.raises(SettingsError, match="created with 4"):
        settle_creation(redis_client, KEYS, Ids(IDS.secret, 8))
    with pytest.raises(SettingsError, match="secret"):
        settle_creation(redis_client, KEYS, Ids(b"1" * 32, 4))

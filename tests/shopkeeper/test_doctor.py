"""What the doctor finds, and what it says to do."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from msgspec.structs import replace

from config.creation import FORMAT
from config.events import ENTRY_FIELD, Tick, encode_entry
from config.keys import Ids, Keys
from config.receiver_states import ReceiverState
from config.settings import Settings
from shopkeeper import doctor
from shopkeeper.doctor import examine
from shopkeeper.doctor_delivery import check_deliverer, check_receivers
from shopkeeper.embedded import find_redis_server
from shopkeeper.findings import Finding, Level
from shopkeeper.lifeline import tied
from shopkeeper.redis_connection import connect, wait_until_loaded

IDS = Ids(b"0" * 32, 64)
KEYS = Keys("shop")


def settings_for(folder: Path) -> Settings:
    settings = Settings()
    return replace(settings, shop=replace(settings.shop, secrets_file=str(folder / "none.toml")))


def found(findings: list[Finding], name: str) -> Finding:
    return next(finding for finding in findings if finding.name == name)


@pytest.fixture
def careless_redis(short_folder: Path) -> Iterator[redis.Redis]:
    """Return a client of a Redis as it comes: no append-only file, no limit."""
    socket = short_folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(short_folder)]
    command = tied([str(find_redis_server()), *options, "--maxmemory-policy", "allkeys-lru"])
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until_loaded(f"unix://{socket}", lambda: None, deadline_seconds=10.0)
        with connect(f"unix://{socket}") as client:
            yield client
    finally:
        process.terminate()
        process.wait()


def test_redis_without_persistence_fails_with_advice(
    careless_redis: redis.Redis, tmp_path: Path
) -> None:
    findings = examine(settings_for(tmp_path), IDS, careless_redis)
    persistence = found(findings, "append-only file")
    assert persistence.level is Level.FAIL
    assert "CONFIG SET appendonly yes" in persistence.advice
    assert found(findings, "eviction").level is Level.FAIL
    assert found(findings, "memory").level is Level.FAIL


def test_our_own_redis_is_well(redis_client: redis.Redis, tmp_path: Path) -> None:
    findings = examine(settings_for(tmp_path), IDS, redis_client)
    ill = {finding.name for finding in findings if finding.level is Level.FAIL}
    assert ill == {"workers"}  # none runs in this test


def test_redis_that_is_away_is_one_finding(tmp_path: Path) -> None:
    with connect(f"unix://{tmp_path}/redis.sock") as client:
        findings = examine(settings_for(tmp_path), IDS, client)
    assert found(findings, "redis").level is Level.FAIL
    assert "shopkeeper up" in found(findings, "redis").advice


def test_strict_durability_wants_every_write_on_the_disk(
    redis_client: redis.Redis, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path)
    strict = replace(settings, redis=replace(settings.redis, durability="strict"))
    assert found(examine(strict, IDS, redis_client), "appendfsync").level is Level.FAIL


@pytest.mark.parametrize(
    ("secret", "shards", "fmt", "level", "word"),
    [
        (b"0", 64, FORMAT, Level.OK, "64 shards"),
        (b"1", 64, FORMAT, Level.FAIL, "secret: the data was created with another one"),
        (b"0", 32, FORMAT, Level.FAIL, "shards: 64, but the data was created with 32"),
        (b"0", 64, "99", Level.FAIL, "format 99"),
    ],
)
def test_data_made_with_another_secret_shards_or_format_is_told(
    secret: bytes, shards: int, fmt: str, level: Level, word: str
) -> None:
    made_with = Ids(secret * 32, shards).fingerprint().encode()
    created = {b"fingerprint": made_with, b"shards": str(shards).encode(), b"format": fmt.encode()}
    finding = doctor.check_stored(created, IDS)
    assert finding.level is level
    assert word in finding.found


def test_shard_that_nobody_applies_is_told(redis_client: redis.Redis, tmp_path: Path) -> None:
    long_ago = f"{int(time.time()) - 3600}000-0"
    redis_client.xadd(KEYS.events(7), {ENTRY_FIELD: encode_entry(Tick(1))}, id=long_ago)
    lag = found(examine(settings_for(tmp_path), IDS, redis_client), "lag")
    assert lag.level is Level.FAIL
    assert "inspect shard 7" in lag.advice


def test_live_worker_is_counted(redis_client: redis.Redis, tmp_path: Path) -> None:
    redis_client.sadd(KEYS.workers(), "one", "gone")
    redis_client.set(KEYS.worker("one"), b"1")
    assert found(examine(settings_for(tmp_path), IDS, redis_client), "workers").found == "1 live"


@pytest.mark.parametrize(
    ("used", "level"), [(10, Level.OK), (65, Level.WARN), (80, Level.FAIL), (99, Level.FAIL)]
)
def test_redis_that_gets_full_is_told(used: int, level: Level) -> None:
    info = {"maxmemory_policy": "noeviction", "used_memory": used << 20, "maxmemory": 100 << 20}
    assert [f.level for f in doctor.check_memory(info) if f.name == "memory"] == [level]


@pytest.mark.parametrize(
    ("skew_ms", "level"), [(-20, Level.OK), (5_000, Level.WARN), (-60_000, Level.FAIL)]
)
def test_clocks_that_differ_are_told(skew_ms: int, level: Level) -> None:
    assert doctor.check_clock(skew_ms).level is level


def test_open_secrets_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    path.write_text("")
    path.chmod(0o644)
    settings = Settings()
    settings = replace(settings, shop=replace(settings.shop, secrets_file=str(path)))
    assert doctor.check_secrets_file(settings).level is Level.WARN


def test_everything_not_ok_says_what_to_do(careless_redis: redis.Redis, tmp_path: Path) -> None:
    findings = examine(settings_for(tmp_path), IDS, careless_redis)
    assert all(finding.advice for finding in findings if finding.level is not Level.OK)


def test_receivers_in_trouble_are_told_with_what_to_do() -> None:
    states = {
        "fine": ReceiverState(n_taken=3),
        "gone": ReceiverState(stopped_at=1),
        "locked": ReceiverState(is_ready=False),
        "old": ReceiverState(is_in_force=False),
        "newer": None,
    }
    finding = check_receivers(states, {"fine": 2, "gone": 0})
    assert finding.level is Level.WARN
    for words in ("fine: 2 undelivered", "gone: answered 410", "locked: its secret", "newer:"):
        assert words in finding.found
    assert "old: not in the file" in finding.found
    assert "resend --receiver" in finding.advice
    assert check_receivers({"fine": ReceiverState()}, {"fine": 0}).level is Level.OK


def test_triggers_without_anybody_who_tells_of_them_are_a_warning() -> None:
    assert check_deliverer(has_triggers=True, has_deliverer=False).level is Level.WARN
    assert check_deliverer(has_triggers=False, has_deliverer=False).level is Level.OK
    assert check_deliverer(has_triggers=True, has_deliverer=True).level is Level.OK

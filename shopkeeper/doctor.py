"""Looks at everything that Shopkeeper stands on, and says what to do about what is wrong."""

import resource
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import redis

from config.creation import check_creation
from config.errors import SettingsError
from config.keys import Ids, Keys
from config.redis_health import Fault, judge
from config.settings import Settings
from shopkeeper.doctor_delivery import examine_delivery
from shopkeeper.findings import Finding, Level, finding
from shopkeeper.inspection import lag_ms
from stream.commits import decode_commit

OLDEST_REDIS = (7, 0)
MEMORY_WARN = 0.6
SKEW_WARN_MS, SKEW_FAIL_MS = 1_000, 30_000
LAG_WARN_MS, LAG_FAIL_MS = 1_000, 10_000
OPEN_FILES_WARN = 4_096


def examine(settings: Settings, ids: Ids, client: redis.Redis) -> list[Finding]:
    """Return all findings; those about Redis end early where it does not answer."""
    findings = [
        check_python(sys.version_info[:2]),
        check_open_files(),
        check_secrets_file(settings),
    ]
    read: Any = client
    try:
        before = time.time()
        seconds, micros = read.time()
        local = (before + time.time()) / 2
        info = read.info()
        sync = _append_fsync(client)
        created = read.hgetall(Keys(settings.shop.namespace).creation())
        lags, n_workers = _stream_state(settings, client)
        delivery = list(examine_delivery(settings, client))
    except redis.RedisError as error:
        advice = "`shopkeeper up` starts the embedded one; else check [redis] url and the network"
        return [*findings, Finding("redis", Level.FAIL, str(error), advice)]
    skew_ms = round((local - int(seconds) - int(micros) / 1e6) * 1000)
    return [
        *findings,
        check_version(str(info["redis_version"])),
        *check_persistence(info, sync, settings.redis.durability),
        *check_memory(info),
        check_clock(skew_ms),
        check_stored(created, ids),
        check_workers(n_workers),
        check_lag(lags),
        *delivery,
    ]


def check_python(version: tuple[int, ...]) -> Finding:
    """Bytewax runs on 3.11 and 3.12."""
    text = ".".join(map(str, version))
    level = Level.OK if version in {(3, 11), (3, 12)} else Level.FAIL
    return finding("python", level, text, "use Python 3.11 or 3.12: Bytewax has no other wheels")


def check_open_files() -> Finding:
    """Each connection is an open file."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = soft != resource.RLIM_INFINITY and soft < OPEN_FILES_WARN
    level = Level.WARN if few else Level.OK
    return finding("open files", level, str(soft), "`ulimit -n 65536` before the start")


def check_secrets_file(settings: Settings) -> Finding:
    """The secrets are for the owner alone."""
    path = Path(settings.shop.secrets_file)
    if not path.exists():
        return Finding("secrets file", Level.OK, "none: from the environment")
    mode = path.stat().st_mode & 0o777
    level = Level.WARN if mode & 0o077 else Level.OK
    return finding("secrets file", level, f"mode {mode:o}", f"`chmod 600 {path}`")


def check_version(version: str) -> Finding:
    """Redis is new enough."""
    numbers = tuple(int(part) for part in version.split(".")[:2])
    level = Level.OK if numbers >= OLDEST_REDIS else Level.FAIL
    return finding("redis version", level, version, "use Redis 7.0 or newer")


def check_persistence(
    info: Mapping[str, Any], sync: str | None, durability: str
) -> Iterable[Finding]:
    """What Redis has said yes to is on the disk, as soon as the settings promise it."""
    faults = judge(info).faults
    on = Fault.APPEND_ONLY not in faults
    yield finding(
        "append-only file",
        Level.OK if on else Level.FAIL,
        "on" if on else "off: a killed Redis loses every event",
        "`CONFIG SET appendonly yes`, and the same in redis.conf",
    )
    if on and Fault.APPEND_ONLY_WRITES in faults:
        yield Finding("last write", Level.FAIL, "failed", "look at the disk of Redis: is it full?")
    if sync is None:
        text, advice = "CONFIG GET is refused", "ask the provider: always or everysec is needed"
        yield Finding("appendfsync", Level.WARN, text, advice)
        return
    wanted = "always" if durability == "strict" else "everysec"
    good = sync in {"always", wanted}
    yield finding(
        "appendfsync",
        Level.OK if good else Level.FAIL,
        f"{sync}, durability is {durability}",
        f"`CONFIG SET appendfsync {wanted}`, and the same in redis.conf",
    )


def check_memory(info: Mapping[str, Any]) -> Iterable[Finding]:
    """Redis refuses writes when full, forgets nothing, and is not nearly full."""
    faults, rate = judge(info)
    policy = str(info.get("maxmemory_policy"))
    yield finding(
        "eviction",
        Level.FAIL if Fault.NO_EVICTION in faults else Level.OK,
        policy,
        "`CONFIG SET maxmemory-policy noeviction`: others delete accepted events",
    )
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if Fault.MAX_MEMORY in faults:
        advice = "`CONFIG SET maxmemory 1gb`: without it nobody sees that Redis gets full"
        yield Finding("memory", Level.FAIL, f"{used >> 20} MB, no maxmemory", advice)
        return
    level = Level.WARN if rate >= MEMORY_WARN else Level.OK
    level = Level.FAIL if Fault.MEMORY in faults else level
    yield finding(
        "memory",
        level,
        f"{used >> 20} of {most >> 20} MB, {rate:.0%}",
        "raise maxmemory ([redis] max_memory_mb), or shorten [profile] log_age_hours; "
        "from 80 % on collect answers 503",
    )


def check_clock(skew_ms: int) -> Finding:
    """This machine and Redis agree on the time."""
    size = abs(skew_ms)
    level = Level.FAIL if size > SKEW_FAIL_MS else Level.WARN if size > SKEW_WARN_MS else Level.OK
    advice = "let both machines follow NTP: events would be dated wrongly"
    return finding("clock", level, f"{skew_ms} ms ahead of Redis", advice)


def check_stored(created: Mapping[bytes, bytes], ids: Ids) -> Finding:
    """The data was made with this secret, this number of shards and this format."""
    if not created:
        return Finding("creation", Level.OK, "nothing is stored yet")
    try:
        check_creation(created, ids)
    except SettingsError as error:
        found, _, advice = str(error).rpartition(": ")
        return Finding("creation", Level.FAIL, found, advice)
    return Finding("creation", Level.OK, f"secret, {ids.n_shards} shards and format fit the data")


def check_workers(n_live: int) -> Finding:
    """Somebody applies what comes in."""
    level = Level.OK if n_live else Level.FAIL
    return finding("workers", level, f"{n_live} live", "start one: `shopkeeper up`, or `work`")


def check_lag(lags: Mapping[int, int]) -> Finding:
    """No shard is behind; ``lags`` are those that are, in ms by shard."""
    if not lags:
        return Finding("lag", Level.OK, "no shard is behind")
    shard, worst = max(lags.items(), key=lambda item: item[1])
    level = Level.FAIL if worst > LAG_FAIL_MS else Level.WARN if worst > LAG_WARN_MS else Level.OK
    text = f"{len(lags)} shards are behind, shard {shard} most: {worst} ms"
    advice = f"start more workers; `shopkeeper inspect shard {shard}` shows why it stands still"
    return finding("lag", level, text, advice)


def _append_fsync(client: redis.Redis) -> str | None:
    read: Any = client
    try:
        told = read.config_get("appendfsync")
    except redis.ResponseError:  # managed Redis often has no CONFIG
        return None
    value = told.get("appendfsync", told.get(b"appendfsync"))
    return value.decode() if isinstance(value, bytes) else value


def _stream_state(settings: Settings, client: redis.Redis) -> tuple[dict[int, int], int]:
    """Return the lag (ms) of each shard that is behind, and how many workers live."""
    keys = Keys(settings.shop.namespace)
    read: Any = client
    with client.pipeline(transaction=False) as pipe:
        for shard in range(settings.redis.shards):
            pipe.get(keys.commit(shard))
        offsets = [decode_commit(data).offset for data in pipe.execute()]
        for shard, offset in enumerate(offsets):
            pipe.xrange(keys.events(shard), min=f"({offset}", count=1)
        first_waiting = pipe.execute()
    lags = {
        shard: lag_ms(client, waiting) for shard, waiting in enumerate(first_waiting) if waiting
    }
    members = read.smembers(keys.workers())
    return lags, sum(read.exists(keys.worker(name.decode())) for name in members)

"""What a user with 20 events takes in Redis, and which parts of it are how large."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from config.events import Event, encode_entry
from config.keys import Ids
from loadtest.bench_stream import start_workers
from loadtest.machine import machine
from loadtest.processes import Launch, ShopUnderTest, shop_under_test
from loadtest.settled import all_applied, hold_time
from loadtest.synthetic import Appended, append_all, shop_events
from online_models.users import UserState, decode_user, encode_user

EVENTS_A_USER = 20
_STEP_MS = 40_000  # 20 events in 13 minutes: one session
_SETTLE_SECONDS = 120.0


def bench_memory(n_users: int, seed: int, launch: Launch) -> dict[str, Any]:
    """Let users have 20 events each; return bytes a user by part, the mean over all users."""
    with shop_under_test({"SHOPKEEPER_REDIS_MAX_MEMORY_MB": "4096"}, launch) as shop:
        shop.start_redis()
        start_workers(shop, 1)
        hold_time(shop)
        append_all(shop.socket_path, shop.keys, equal_users(n_users, seed, shop.ids))
        shop.wait(
            lambda: all_applied(shop),
            "not all is applied",
            _SETTLE_SECONDS,
            lambda: hold_time(shop),
        )
        return {
            "users": n_users,
            "events_per_user": EVENTS_A_USER,
            **_keys_share(shop, n_users),
            "state_parts_bytes": _parts(shop, n_users),
            "machine": machine(shop.client),
        }


def equal_users(n_users: int, seed: int, ids: Ids) -> Iterator[Appended]:
    """Yield 20 events for each user, all users in turn."""
    start_ms = int(time.time() * 1000) - EVENTS_A_USER * _STEP_MS
    made_up = shop_events(EVENTS_A_USER * n_users, n_users, seed, ids, start_ms, 0)
    decoder = msgspec.msgpack.Decoder(Event)
    for index, (_, data) in enumerate(made_up):
        at, user = start_ms + index // n_users * _STEP_MS, f"user-{index % n_users}"
        event = msgspec.structs.replace(
            decoder.decode(data), user_id=user, occurred_at=at, received_at=at
        )
        yield Appended(ids.known(user), encode_entry(event))


def _keys_share(shop: ShopUnderTest, n_users: int) -> dict[str, float]:
    """Return the bytes of Redis' keys a user: state, timer, and log while it is kept."""
    families = {
        "timers": shop.keys.timers,
        "watchers": shop.keys.watchers,
        "log": shop.keys.events,
        "commits": shop.keys.commit,
    }
    shards = range(shop.ids.n_shards)
    shares = {
        name: sum(_usage(shop, key(shard)) for shard in shards) / n_users
        for name, key in families.items()
    }
    states = (_usage(shop, shop.keys.user(*shop.ids.known(f"user-{n}"))) for n in range(n_users))
    state = sum(states) / n_users
    return {
        "bytes_per_user": round(state + shares["timers"] + shares["watchers"], 1),
        "state_key_bytes": round(state, 1),
        "timer_bytes": round(shares["timers"], 1),
        "watched_bytes": round(shares["watchers"], 1),
        "log_bytes_while_kept": round(shares["log"], 1),
        "commit_bytes": round(shares["commits"], 2),
    }


def _usage(shop: ShopUnderTest, key: str) -> int:
    used: Any = shop.client.memory_usage(key, samples=0)
    return used or 0


def _parts(shop: ShopUnderTest, n_users: int) -> dict[str, float]:
    """Return the encoded bytes of each field of the state, largest first; and the key's rest."""
    sums = dict.fromkeys(UserState.__struct_fields__, 0)
    whole = 0
    for number in range(n_users):
        data: Any = shop.client.get(shop.keys.user(*shop.ids.known(f"user-{number}")))
        state = decode_user(data)
        whole += len(encode_user(state))
        for name in sums:
            sums[name] += len(msgspec.msgpack.encode(getattr(state, name)))
    parts = sorted(sums.items(), key=lambda part: -part[1])
    return {"whole": round(whole / n_users, 1)} | {
        name: round(size / n_users, 1) for name, size in parts
    }

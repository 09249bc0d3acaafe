"""Every key of a whole shop belongs to exactly one family of ``config/keys.py`` and has its bound.

The table below names who writes a family and what keeps it small; it lists all of them.
"""

import inspect
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.events import (
    ENTRY_FIELD,
    SUBJECT_FIELD,
    CampaignChoice,
    Decided,
    RhythmLearned,
    encode_entry,
)
from config.fired import FIRED_FIELD, Fired, encode_fired
from config.keys import (
    ERASED_AGE_MS,
    HEARTBEAT_MS,
    IMPORT_HOLD_MS,
    LEASE_MS,
    MAX_CHANGES,
    MAX_DEAD_LETTERS,
    MAX_DECISIONS,
    MAX_TOLD,
    MAX_UNDELIVERED,
    Keys,
)
from config.settings import DeliverySettings
from loadtest.deciding_shop import deciding_shop, settle
from loadtest.processes import ShopUnderTest
from loadtest.replay import Target, replay
from loadtest.workload import synthetic_history
from online_models.contexts import N_CONTEXT
from online_models.curves import encode_curves
from online_models.rhythm_model import RhythmModel
from online_models.snapshots import read_snapshot
from online_models.users import MAX_RECENT_PRODUCTS, Suppressed, decode_user
from shopkeeper.lifeline import tied

SLACK = 200  # entries of a stream's node, which goes as a whole
DAYS_OF_A_USER_MS = 2 * 180 * 24 * 60 * 60 * 1000
Bound = Callable[[Any, bytes], bool]


def lasts_at_most(ms: int) -> Bound:
    return lambda redis, key: 0 < redis.pttl(key) <= ms


def holds_at_most(n_entries: int) -> Bound:
    return lambda redis, key: redis.pttl(key) == -1 and redis.xlen(key) <= n_entries


def is_a(kind: bytes) -> Bound:
    return lambda redis, key: redis.pttl(key) == -1 and redis.type(key) == kind


def is_small(redis: Any, key: bytes) -> bool:
    return bool(redis.pttl(key) == -1 and redis.memory_usage(key, samples=0) < 16_384)


def is_swept_unless_suppressed(redis: Any, key: bytes) -> bool:
    """A known id that was erased stays so for ever; everything else goes in the end."""
    if isinstance(decode_user(redis.get(key)), Suppressed):
        return bool(redis.pttl(key) == -1)
    return bool(0 < redis.pttl(key) <= DAYS_OF_A_USER_MS)


def names_users_of_the_shard(redis: Any, key: bytes) -> bool:
    users = redis.keys(key.replace(b":timers", b":user:*").replace(b"{", b"[{]"))
    return bool(0 < redis.zcard(key) <= len(users))


def names_what_is_watched(redis: Any, key: bytes) -> bool:
    """Return whether there are no more members than users with full lists could have."""
    users = redis.keys(key.replace(b":watchers", b":user:*").replace(b"{", b"[{]"))
    return bool(0 < redis.zcard(key) <= 2 * MAX_RECENT_PRODUCTS * len(users))


def lasts_and_takes_at_most(n_bytes: int) -> Bound:
    return lambda redis, key: (
        redis.pttl(key) == -1 and redis.memory_usage(key, samples=0) <= n_bytes
    )


def is_of_the_snapshot(redis: Any, key: bytes) -> bool:
    """A table holds the blocks of the snapshot, or of the next one; both grow with the index."""
    snapshot = read_snapshot(redis.get(re.sub(rb":vectors:.*", b":snapshot", key)))
    is_known = redis.sismember(
        key.rpartition(b":")[0][: -len(b"vectors")] + b"vector-tables", key.rpartition(b":")[2]
    )
    return bool(is_known and redis.hlen(key) <= snapshot.n_blocks + 1)


def names_few_tables(redis: Any, key: bytes) -> bool:
    return bool(redis.pttl(key) == -1 and redis.scard(key) <= 2)


@dataclass(frozen=True)
class Family:
    """Who writes it, and what holds of each of its keys."""

    owner: str
    bound: Bound


FAMILIES = {
    "events": Family("server", is_a(b"stream")),  # trimmed by age and reader: test_upkeep
    "user": Family("worker", is_swept_unless_suppressed),
    "commit": Family("worker", is_small),
    "timers": Family("worker", names_users_of_the_shard),
    "owner": Family("worker", lasts_at_most(LEASE_MS)),
    "examples": Family("worker", is_a(b"stream")),  # trimmed by age
    "triggers": Family("worker", is_a(b"stream")),  # trimmed by age
    "told": Family("deliverer", holds_at_most(MAX_TOLD + SLACK)),
    "told_commit": Family("deliverer", is_small),
    "delivering": Family("deliverer", lasts_at_most(LEASE_MS)),
    "deliverer": Family("deliverer", lasts_at_most(HEARTBEAT_MS)),
    "receivers": Family("deliverer", is_small),
    "stopped": Family("deliverer", is_small),
    "waiting": Family("deliverer", is_a(b"stream")),  # by settings: test_deliverer
    "tries": Family("deliverer", is_a(b"hash")),  # no more than wait
    "undelivered": Family(
        "deliverer", holds_at_most(max(MAX_UNDELIVERED, DeliverySettings().max_waiting) + SLACK)
    ),
    "erased": Family("worker", lasts_at_most(ERASED_AGE_MS)),
    "watchers": Family("worker", names_what_is_watched),
    "rhythm": Family("worker", is_small),
    "outgoing": Family("worker", holds_at_most(0)),  # once all is forwarded
    "dead": Family("server and worker", holds_at_most(MAX_DEAD_LETTERS + SLACK)),
    "erasures": Family("worker", is_small),
    "worker": Family("worker", lasts_at_most(HEARTBEAT_MS)),
    "workers": Family("worker", is_small),
    "server": Family("server", lasts_at_most(HEARTBEAT_MS)),
    "servers": Family("server", is_small),
    "creation": Family("all", is_small),
    "figures": Family("all", is_a(b"stream")),  # 15 minutes, by id
    "import_hold": Family("server", lasts_at_most(IMPORT_HOLD_MS)),
    "model_rows": Family("learner", is_a(b"hash")),  # bounded rows: test_model_shards
    "model_commit": Family("learner", is_small),
    "model_changes": Family("learner", holds_at_most(MAX_CHANGES + SLACK)),
    "models": Family("learner", is_a(b"hash")),  # bounded models: test_model_parts
    "experiments": Family("learner", is_a(b"hash")),  # bounded sums: test_model_parts
    "model_owner": Family("learner", lasts_at_most(LEASE_MS)),
    "learner": Family("learner", lasts_at_most(HEARTBEAT_MS)),
    "learners": Family("learner", is_small),
    "deliverers": Family("deliverer", is_small),
    "session_log": Family("learner", is_a(b"stream")),  # by position: test_model_shards
    "snapshot": Family("learner", lasts_and_takes_at_most(256_000)),
    "snapshot_position": Family("learner", is_small),
    "vector_table": Family("learner", is_of_the_snapshot),
    "vector_tables": Family("learner", names_few_tables),
    "decisions": Family("server", holds_at_most(MAX_DECISIONS + SLACK)),
    "catalog": Family("server", is_a(b"hash")),  # as large as the shop
    "catalog_changes": Family("server", holds_at_most(MAX_CHANGES + SLACK)),
    "product_changes": Family("server", is_a(b"stream")),  # trimmed by age
}
CLICK = {
    "event": "Promotion Clicked",
    "properties": {"promotion_id": "spring", "decision_id": "d-1", "position": "hero"},
}


def pattern_of(keys: Keys, family: str) -> re.Pattern[str]:
    """Return what the keys of a family look like, from how ``Keys`` spells one."""
    spell = getattr(keys, family)
    parts = {"shard": r"\d+", "model_shard": r"\d+", "digest": r"[\w-]{22}"}
    wanted = {
        name: (f"{number}0001", parts.get(name, "[^:]+"))
        for number, name in enumerate(inspect.signature(spell).parameters, start=7)
    }
    text = re.escape(spell(*(sample for sample, _ in wanted.values())))
    for sample, part in wanted.values():
        text = text.replace(sample, part)
    return re.compile(text)


@pytest.fixture(scope="module")
def shop() -> Iterator[ShopUnderTest]:
    """Yield a shop that has seen each kind of traffic, all of it applied and learned."""
    events = synthetic_history(400, seed=1)
    with deciding_shop([timed.event for timed in events], tied) as running, refusing() as url:
        write_receivers(running.folder, url)
        running.start_deliverer()
        fire_for(running, "carl")
        secret = ("authorization", f"Bearer {running.secret_key}")
        with httpx.Client(base_url=running.url, headers=[secret], timeout=30.0) as owner:
            replay(events, Target(running.url, running.write_key))
            owner.post("/v1/identify", json={"userId": "ann", "anonymousId": "browser-1"})
            owner.post("/v1/page", json={"anonymousId": "browser-1", "name": "Home"})
            owner.post("/v1/track", json={"userId": "ann"})  # has no name: a dead letter
            choose_for(running, "ann")
            tell_rhythm(running)
            owner.post("/v1/track", json={"userId": "ann"} | CLICK)
            owner.post("/v1/page", json={"userId": "bob", "name": "Home"})
            owner.delete("/v1/users/bob")
            for price in (9.0, 8.0):
                line = {"id": "hat", "name": "Hat", "price": price}
                owner.put("/v1/catalog", json=line)
            settle(running)
            question = {"userId": "ann", "placements": ["home-products"]}
            known = {"userId": events[0].event["userId"], "placements": placements_of(running)}
            for asked in (question, known):
                owner.post("/v1/personalize", json=asked)
            running.wait(lambda: bool(found(running, "decisions")), "no decision was logged")
            running.wait(lambda: bool(found(running, "snapshot")), "no snapshot was published")
            running.wait(lambda: bool(found(running, "tries")), "nothing was tried")
            running.wait(lambda: bool(found(running, "undelivered")), "nothing was given up")
            owner.post("/v1/import", json={"batch": []})
            yield running


@contextmanager
def refusing() -> Iterator[str]:
    """Yield the address of a receiver that takes nothing; below /gone it never will."""

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(410 if self.path == "/gone" else 503)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- as it is called
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def write_receivers(folder: Path, url: str) -> None:
    tables = (
        f'[receivers.{name}]\nurl = "{url}/{name}"\nsecret_file = "hook.secret"\n'
        'allow_http = true\nallow_networks = ["127.0.0.0/8"]\n'
        for name in ("busy", "gone")
    )
    (folder / "triggers.toml").write_text("".join(tables), encoding="utf-8")
    (folder / "hook.secret").write_text("whsec_" + "a2V5" * 8, encoding="utf-8")


def fire_for(shop: ShopUnderTest, user_id: str) -> None:
    """Write what a trigger fired for a user, as the profile flow does."""
    subject, now = shop.ids.known(user_id), time.time_ns() // 1_000_000
    known = (subject.shard, subject.digest, user_id, None)
    fired = Fired("f-1", "idle", "absence", "push", *known, now, now, now + IMPORT_HOLD_MS * 100)
    fields: Any = {FIRED_FIELD: encode_fired(fired), SUBJECT_FIELD: subject.digest}
    shop.client.xadd(shop.keys.triggers(subject.shard), fields)


def choose_for(shop: ShopUnderTest, user_id: str) -> None:
    """Append what was decided for a user, as serving does."""
    choice = CampaignChoice("hero", "spring", "", "policy:hero", features=[0.0] * N_CONTEXT)
    now_ms = time.time_ns() // 1_000_000
    decided = Decided("d-1", now_ms, [choice], [("colors", "red")])
    subject = shop.ids.known(user_id)
    fields: Any = {ENTRY_FIELD: encode_entry(decided), SUBJECT_FIELD: subject.digest}
    shop.client.xadd(shop.keys.events(subject.shard), fields)


def tell_rhythm(shop: ShopUnderTest) -> None:
    """Append what was learned of all customers' orders, as workers do once it is enough."""
    told = RhythmLearned(encode_curves(RhythmModel().curves()), 0)
    fields: Any = {ENTRY_FIELD: encode_entry(told)}
    shop.client.xadd(shop.keys.events(0), fields)


def placements_of(shop: ShopUnderTest) -> list[str]:
    text = (shop.folder / "shopkeeper.toml").read_text()
    return re.findall(r"(?m)^\[placements\.([\w-]+)\]", text)[:5]


def all_keys(shop: ShopUnderTest) -> list[str]:
    return sorted(key.decode() for key in shop.client.scan_iter(count=1000))


def found(shop: ShopUnderTest, family: str) -> list[str]:
    pattern = pattern_of(shop.keys, family)
    return [key for key in all_keys(shop) if pattern.fullmatch(key)]


def test_the_table_lists_all_families() -> None:
    families = {name for name, _ in inspect.getmembers(Keys, inspect.isfunction)}
    assert {name for name in families if not name.startswith("_")} == set(FAMILIES)


def test_every_key_is_of_exactly_one_family(shop: ShopUnderTest) -> None:
    patterns = {family: pattern_of(shop.keys, family) for family in FAMILIES}
    families = {
        key: [family for family, pattern in patterns.items() if pattern.fullmatch(key)]
        for key in all_keys(shop)
    }
    assert {key: of for key, of in families.items() if len(of) != 1} == {}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_key_of_a_family_has_its_bound(shop: ShopUnderTest, family: str) -> None:
    redis, bound = shop.client, FAMILIES[family].bound
    keys = [key.encode() for key in found(shop, family)]
    unbounded = [key for key in keys if not bound(redis, key) and redis.exists(key)]
    assert unbounded == []


def test_the_traffic_reached_every_family(shop: ShopUnderTest) -> None:
    passing = {"outgoing", "erasures", "import_hold"}  # gone again by the time we look
    seen = {family for family in FAMILIES if found(shop, family)}
    assert set(FAMILIES) - seen <= passing


def test_a_server_has_the_policy_that_a_click_on_a_choice_taught(shop: ShopUnderTest) -> None:
    def is_there() -> bool:
        told = httpx.get(f"{shop.url}/metrics").text
        return re.search(r'shopkeeper_followed_rows\{.*what="dense"\} 1\.0', told) is not None

    shop.wait(is_there, "no server has the policy")

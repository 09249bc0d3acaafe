"""What Redis holds of one user or one shard, as plain values ready for JSON."""

from collections import Counter
from typing import Any

import redis

from config.durations import DAY_MS
from config.errors import ShopkeeperError
from config.keys import Ids, Keys, Subject
from config.log_ids import log_id
from online_models.features import picture
from online_models.users import Linked, Suppressed, UserState, decode_user, is_forgotten
from stream.commits import decode_commit

MOST_COUNTED = 1_000  # entries read to count a lag or dead letters


class UnknownUser(ShopkeeperError):
    """Nothing is stored under an id."""


class UnknownShard(ShopkeeperError):
    """There is no shard of that number."""


def inspect_user(
    client: redis.Redis,
    keys: Keys,
    ids: Ids,
    name: str,
    *,
    anonymous: bool,
    now_ms: int,
    retention_ms: int = 180 * DAY_MS,
) -> dict[str, Any]:
    """Return what is known of a user; ``kind`` is state, linked or suppressed.

    Raises:
        UnknownUser: nothing is, or the user stayed away for longer than the retention.
    """
    subject: Subject = ids.anonymous(name) if anonymous else ids.known(name)
    read: Any = client
    data, commit = read.mget(keys.user(*subject), keys.commit(subject.shard))
    user = None if data is None else decode_user(data)
    if user is None or is_forgotten(user, decode_commit(commit).clock, retention_ms):
        other = "without" if anonymous else "with"
        raise UnknownUser(
            f"nothing is known of {name!r}: never seen, forgotten, or try {other} --anonymous"
        )
    found = {"shard": subject.shard, "digest": subject.digest, "bytes": len(data)}
    match user:
        case Linked():
            joined = {"known": user.known, "shard": ids.shard_of(user.known)}
            return {"kind": "linked", **found, "linked_at": user.linked_at, "joined": joined}
        case Suppressed():
            return {"kind": "suppressed", **found, "erased_at": user.erased_at}
    return {"kind": "state", **found, "picture": picture(user, now_ms)}


def known_state(
    client: redis.Redis, keys: Keys, ids: Ids, name: str, *, anonymous: bool
) -> UserState:
    """Return the state of a user, of a visitor that of whom they turned out to be.

    Raises:
        UnknownUser: there is none.
    """
    subject = ids.anonymous(name) if anonymous else ids.known(name)
    for _ in range(2):  # there are no chains of links
        data: Any = client.get(keys.user(*subject))
        user = None if data is None else decode_user(data)
        if isinstance(user, UserState):
            return user
        if not isinstance(user, Linked):
            break
        subject = Subject(ids.shard_of(user.known), user.known)
    raise UnknownUser(f"nothing is known of {name!r}: `shopkeeper inspect user` says more")


def inspect_shard(client: redis.Redis, keys: Keys, n_shards: int, shard: int) -> dict[str, Any]:
    """Return commit, lag, owner, timers, outboxes and a sample of dead letters of a shard.

    Times are in ms, ``lag_entries`` counts up to 1,000.

    Raises:
        UnknownShard: there are fewer shards.
    """
    if not 0 <= shard < n_shards:
        raise UnknownShard(f"there is no shard {shard}: 0 to {n_shards - 1} are")
    read: Any = client
    commit_bytes, owner = read.mget(keys.commit(shard), keys.owner(shard))
    commit = decode_commit(commit_bytes)
    waiting = read.xrange(keys.events(shard), min=f"({commit.offset}", count=MOST_COUNTED)
    earliest = read.zrange(keys.timers(shard), 0, 0, withscores=True)
    letters = read.xrevrange(keys.dead(shard), count=MOST_COUNTED)
    reasons = Counter(fields.get(b"reason", b"").decode() for _, fields in letters)
    outboxes = {"examples": keys.examples, "triggers": keys.triggers, "outgoing": keys.outgoing}
    return {
        "shard": shard,
        "owner": owner.decode() if owner else None,
        "log_entries": read.xlen(keys.events(shard)),
        "commit": {"offset": commit.offset, "seq": commit.seq, "worker": commit.worker}
        | {"clock": commit.clock, "sources": {str(k): v for k, v in commit.sources.items()}}
        | {"products": commit.products},
        "lag_entries": len(waiting),
        "lag_ms": lag_ms(client, waiting),
        "timers": read.zcard(keys.timers(shard)),
        "watched_products": read.zcard(keys.watchers(shard)),
        "next_timer_at": int(earliest[0][1]) if earliest else None,
        "outboxes": {name: read.xlen(key(shard)) for name, key in outboxes.items()},
        "dead_letters": read.xlen(keys.dead(shard)),
        "dead_letter_reasons": dict(reasons.most_common()),
        "dead_letter_sample": [_letter(entry_id, fields) for entry_id, fields in letters[:3]],
    }


def lag_ms(client: redis.Redis, waiting: list[Any]) -> int:
    """Return for how long (ms, by Redis' clock) the first of the waiting entries has waited."""
    if not waiting:
        return 0
    read: Any = client
    seconds, micros = read.time()
    appended_at, _ = log_id(waiting[0][0])
    return max(0, int(seconds) * 1000 + int(micros) // 1000 - appended_at)


def _letter(entry_id: bytes, fields: dict[bytes, bytes]) -> dict[str, str]:
    """Return a dead letter without its content, which is personal."""
    return {
        "id": entry_id.decode(),
        "reason": fields.get(b"reason", b"").decode(),
        "detail": fields.get(b"detail", b"").decode(errors="replace"),
    }

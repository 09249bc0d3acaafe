"""What inspect shows of users and shards."""

import pytest
import redis

from config.durations import DAY_MS
from config.events import ENTRY_FIELD, Reason, Tick, encode_entry
from config.keys import Ids, Keys
from online_models.users import Linked, Suppressed, User, UserState, encode_user
from shopkeeper.inspection import UnknownShard, UnknownUser, inspect_shard, inspect_user
from stream.commits import Commit, encode_commit

IDS = Ids(b"0" * 32, 64)
KEYS = Keys("shop")


def store(client: redis.Redis, name: str, user: User, *, anonymous: bool = False) -> None:
    subject = IDS.anonymous(name) if anonymous else IDS.known(name)
    client.set(KEYS.user(subject.shard, subject.digest), encode_user(user))


def test_known_user_is_shown_as_a_picture(redis_client: redis.Redis) -> None:
    store(redis_client, "ann", UserState(latest_at=5, first_at=5, received_at=5, user_id="ann"))
    found = inspect_user(redis_client, KEYS, IDS, "ann", anonymous=False, now_ms=10)
    assert found["kind"] == "state"
    assert found["picture"]["userId"] == "ann"


def test_user_who_stayed_away_for_too_long_is_not_shown(redis_client: redis.Redis) -> None:
    store(redis_client, "ann", UserState(latest_at=5, first_at=5, received_at=5, user_id="ann"))
    commit = encode_commit(Commit(clock=5 + 180 * DAY_MS + 1))
    redis_client.set(KEYS.commit(IDS.known("ann").shard), commit)
    with pytest.raises(UnknownUser, match="nothing is known of 'ann'"):
        inspect_user(redis_client, KEYS, IDS, "ann", anonymous=False, now_ms=10)


def test_linked_visitor_is_shown_with_whom_they_joined(redis_client: redis.Redis) -> None:
    known = IDS.known("ann")
    store(redis_client, "x1", Linked(known.digest, linked_at=5, received_at=5), anonymous=True)
    found = inspect_user(redis_client, KEYS, IDS, "x1", anonymous=True, now_ms=10)
    assert found["joined"] == {"known": known.digest, "shard": known.shard}


def test_erased_user_is_shown_as_suppressed(redis_client: redis.Redis) -> None:
    store(redis_client, "ann", Suppressed(erased_at=7))
    found = inspect_user(redis_client, KEYS, IDS, "ann", anonymous=False, now_ms=10)
    assert (found["kind"], found["erased_at"]) == ("suppressed", 7)


def test_anonymous_id_is_not_taken_for_a_known_one(redis_client: redis.Redis) -> None:
    store(redis_client, "ann", Suppressed(erased_at=7), anonymous=True)
    with pytest.raises(UnknownUser, match="try with --anonymous"):
        inspect_user(redis_client, KEYS, IDS, "ann", anonymous=False, now_ms=10)


def test_shard_shows_how_far_it_is_behind(redis_client: redis.Redis) -> None:
    for number in range(1, 4):
        fields = {ENTRY_FIELD: encode_entry(Tick(number))}
        redis_client.xadd(KEYS.events(3), fields, id=f"1000-{number}")  # type: ignore[arg-type]
    redis_client.set(KEYS.commit(3), encode_commit(Commit(offset="1000-1", seq=9, worker="w")))
    found = inspect_shard(redis_client, KEYS, 64, 3)
    assert found["log_entries"] == 3
    assert found["lag_entries"] == 2
    assert found["lag_ms"] > 0
    assert found["commit"]["seq"] == 9


def test_shard_shows_dead_letters_by_reason_without_their_content(
    redis_client: redis.Redis,
) -> None:
    for reason in (Reason.BAD_JSON, Reason.NO_ID, Reason.BAD_JSON):
        fields = {b"reason": reason.encode(), b"detail": b"why", b"raw": b"private", b"k": b""}
        redis_client.xadd(KEYS.dead(0), fields)  # type: ignore[arg-type]
    found = inspect_shard(redis_client, KEYS, 64, 0)
    assert found["dead_letter_reasons"] == {"bad_json": 2, "no_id": 1}
    assert "private" not in str(found)


def test_shard_that_is_not_there_is_refused(redis_client: redis.Redis) -> None:
    with pytest.raises(UnknownShard, match="0 to 63 are"):
        inspect_shard(redis_client, KEYS, 64, 64)

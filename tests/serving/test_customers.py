import httpx
import pytest
import redis

from config.events import ENTRY_FIELD, SUBJECT_FIELD, Erase, decode_entry
from config.keys import Subject
from online_models.users import Linked, Suppressed, User, UserState, encode_user
from serving.refusals import Refusal
from tests.serving.builders import DAY, IDS, NOW
from tests.serving.conftest import KEYS, stream_of

ANN = IDS.known("ann")
COOKIE = IDS.anonymous("cookie-1")


def remember(client: redis.Redis, subject: Subject, user: User) -> None:
    client.set(KEYS.user(subject.shard, subject.digest), encode_user(user))


def a_user(**changes: object) -> UserState:
    return UserState(latest_at=NOW, first_at=NOW, received_at=NOW, **changes)  # type: ignore[arg-type]


def test_the_picture_of_a_user_is_told(owner: httpx.Client, redis_client: redis.Redis) -> None:
    remember(redis_client, ANN, a_user(user_id="ann", viewed=[(NOW, "shoe-1")]))
    told = owner.get("/v1/users/ann").json()
    assert (told["userId"], told["lastViewed"]) == ("ann", ["shoe-1"])


def test_an_id_may_hold_any_character(owner: httpx.Client, redis_client: redis.Redis) -> None:
    remember(redis_client, IDS.known("a/b ü?"), a_user(user_id="a/b ü?"))
    assert owner.get("/v1/users/a%2Fb%20%C3%BC%3F").json()["userId"] == "a/b ü?"


def test_a_visitor_is_told_by_anonymous_id(owner: httpx.Client, redis_client: redis.Redis) -> None:
    remember(redis_client, COOKIE, a_user(anonymous_ids=[(NOW, "cookie-1")]))
    assert owner.get("/v1/users/cookie-1").status_code == 404
    told = owner.get("/v1/users/cookie-1?anonymous=true").json()
    assert told["anonymousIds"] == ["cookie-1"]


def test_a_linked_visitor_is_the_known_user(owner: httpx.Client, redis_client: redis.Redis) -> None:
    remember(redis_client, COOKIE, Linked(known=ANN.digest, linked_at=NOW, received_at=NOW))
    remember(redis_client, ANN, a_user(user_id="ann"))
    assert owner.get("/v1/users/cookie-1?anonymous=true").json()["userId"] == "ann"


def test_an_unknown_user_is_named_so(owner: httpx.Client) -> None:
    reply = owner.get("/v1/users/nobody")
    assert (reply.status_code, reply.json()["reason"]) == (404, Refusal.UNKNOWN_USER)


def test_an_erased_user_is_named_so(owner: httpx.Client, redis_client: redis.Redis) -> None:
    remember(redis_client, ANN, Suppressed(erased_at=NOW))
    reply = owner.get("/v1/users/ann")
    assert (reply.status_code, reply.json()["reason"]) == (404, Refusal.SUPPRESSED_USER)


def test_an_erasure_goes_through_the_log(owner: httpx.Client, redis_client: redis.Redis) -> None:
    assert owner.delete("/v1/users/ann").json() == {"success": True}
    [(_, fields)] = stream_of(redis_client, KEYS.events(ANN.shard))
    assert isinstance(decode_entry(fields[ENTRY_FIELD]), Erase)
    assert fields[SUBJECT_FIELD] == ANN.digest.encode()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    ("auth", "status", "reason"),
    [
        (("write-key", ""), 403, Refusal.SECRET_KEY_NEEDED),
        (("other", ""), 401, Refusal.UNKNOWN_KEY),
        (None, 401, Refusal.NO_KEY),
    ],
)
def test_users_are_for_the_secret_key(
    stranger: httpx.Client,
    redis_client: redis.Redis,
    method: str,
    auth: tuple[str, str] | None,
    status: int,
    reason: str,
) -> None:
    reply = stranger.request(method, "/v1/users/ann", auth=auth)
    assert (reply.status_code, reply.json()["reason"]) == (status, reason)
    assert not redis_client.exists(KEYS.events(ANN.shard))


def test_a_user_written_by_a_newer_version_is_an_error_without_a_trace(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    redis_client.set(KEYS.user(ANN.shard, ANN.digest), b"\xff")
    reply = owner.get("/v1/users/ann")
    assert (reply.status_code, reply.json()["reason"]) == (500, Refusal.INTERNAL)
    assert "Traceback" not in reply.text


def forget_after(client: redis.Redis, shard: int, clock: int) -> None:
    client.set(KEYS.commit(shard), f'{{"version":1,"offset":"1-1","clock":{clock}}}')


@pytest.mark.parametrize(("late_ms", "status"), [(0, 200), (1, 404)])
def test_a_user_is_known_until_the_retention_has_passed_by_the_shards_clock(
    owner: httpx.Client, redis_client: redis.Redis, late_ms: int, status: int
) -> None:
    remember(redis_client, ANN, a_user(user_id="ann"))
    forget_after(redis_client, ANN.shard, NOW + 180 * DAY + late_ms)
    assert owner.get("/v1/users/ann").status_code == status


def test_a_link_that_is_forgotten_leads_to_nobody(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    remember(redis_client, COOKIE, Linked(known=ANN.digest, linked_at=NOW, received_at=NOW))
    remember(redis_client, ANN, a_user(user_id="ann"))
    assert COOKIE.shard != ANN.shard
    forget_after(redis_client, COOKIE.shard, NOW + 181 * DAY)
    assert owner.get("/v1/users/cookie-1?anonymous=true").status_code == 404


def test_that_an_id_was_erased_is_not_forgotten(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    remember(redis_client, ANN, Suppressed(erased_at=NOW))
    forget_after(redis_client, ANN.shard, NOW + 999 * DAY)
    assert owner.get("/v1/users/ann").json()["reason"] == Refusal.SUPPRESSED_USER

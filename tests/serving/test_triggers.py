"""What triggers fire, as server-sent events."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from config.keys import Keys
from config.receiver_states import ReceiverState, encode_state
from config.told import TOLD_FIELD, Told, encode_told
from serving import trigger_feed
from serving.trigger_feed import TriggerFeed
from tests.serving.conftest import Serve, wait_for

KEYS = Keys("shop")


@pytest.fixture
def owner(serve: Serve, redis_url: str) -> httpx.Client:
    shop = serve(redis_url)
    shop.auth = httpx.BasicAuth("secret-key", "")
    return shop


def tell(client: redis.Redis, name: str, *, trigger: str = "idle", channel: str = "email") -> str:
    """Write what fired into the list, as the deliverer does; return its place."""
    body = json.dumps({"type": "trigger.fired", "data": {"id": name}}).encode()
    told = Told(name, trigger, channel, 0, "digest", 4_000_000_000_000, body)
    fields: Any = {TOLD_FIELD: encode_told(told)}
    entry: Any = client.xadd(KEYS.told(), fields)
    return str(entry.decode())


def heard(shop: httpx.Client, n_events: int, path: str = "/v1/triggers", **more: Any) -> list[Any]:
    """Return so many events from a path: their ids and data."""
    found: list[Any] = []
    with shop.stream("GET", path, **more) as reply:
        assert reply.status_code == 200, reply.read()
        assert reply.headers["content-type"].startswith("text/event-stream")
        for event in events_of(reply.iter_lines()):
            found.append((event.get("id"), event["event"], json.loads(event["data"])))
            if len(found) == n_events:
                return found
    raise AssertionError("it ended early")


def events_of(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    event: dict[str, str] = {}
    for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value
        elif not line and event:
            yield event
            event = {}


def ids(events: list[Any]) -> list[str]:
    return [data["data"]["id"] for _, _, data in events]


def test_a_listener_goes_on_where_it_left_off(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    places = [tell(redis_client, f"t-{n}") for n in range(250)]
    everything = heard(owner, 250, "/v1/triggers?after=0-0")
    assert [place for place, _, _ in everything] == places
    rest = heard(owner, 49, headers={"Last-Event-ID": places[200]})
    assert ids(rest) == [f"t-{n}" for n in range(201, 250)]


def test_without_a_place_only_what_fires_from_now_on_is_heard(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    tell(redis_client, "before")
    with owner.stream("GET", "/v1/triggers") as reply:
        lines = reply.iter_lines()
        assert next(lines).startswith(":")  # it listens
        tell(redis_client, "after")
        event = next(events_of(lines))
    assert json.loads(event["data"])["data"]["id"] == "after"


def test_no_more_listen_than_have_a_place_although_redis_is_slow(
    owner: httpx.Client, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_start, start = threading.Event(), threading.Event(), TriggerFeed.start

    async def slow_start(self: TriggerFeed, after: str | None) -> tuple[str, bool]:
        begun.set()
        while not may_start.is_set():  # noqa: ASYNC110 -- it is set in another thread
            await asyncio.sleep(0.01)
        return await start(self, after)

    monkeypatch.setattr(TriggerFeed, "start", slow_start)
    monkeypatch.setattr(trigger_feed, "MAX_LISTENERS", 1)
    tell(redis_client, "a")
    found: list[Any] = []
    first = threading.Thread(target=lambda: found.extend(heard(owner, 1, "/v1/triggers?after=0-0")))
    first.start()
    assert begun.wait(20)
    try:
        reply = owner.get("/v1/triggers?after=what", timeout=20)
    finally:
        may_start.set()
        first.join(timeout=20)
    assert (reply.status_code, reply.json()["reason"]) == (503, "overloaded")
    assert ids(found) == ["a"]
    # Whoever leaves, or is refused for another reason, gives the place back.
    wait_for(lambda: owner.get("/v1/triggers?after=what").status_code == 400)
    assert ids(heard(owner, 1, "/v1/triggers?after=0-0")) == ["a"]


def test_only_what_is_asked_for_is_heard(owner: httpx.Client, redis_client: redis.Redis) -> None:
    tell(redis_client, "a")
    tell(redis_client, "b", trigger="back")
    tell(redis_client, "c", channel="push")
    path = "/v1/triggers?after=0-0"
    assert ids(heard(owner, 1, f"{path}&trigger=back")) == ["b"]
    assert ids(heard(owner, 1, f"{path}&channel=push")) == ["c"]


def test_who_was_away_too_long_is_told_so(owner: httpx.Client, redis_client: redis.Redis) -> None:
    places = [tell(redis_client, f"t-{n}") for n in range(3)]
    redis_client.xtrim(KEYS.told(), maxlen=1, approximate=False)
    first, second = heard(owner, 2, headers={"Last-Event-ID": places[0]})
    assert first[1] == "missed"
    assert ids([second]) == ["t-2"]


@pytest.mark.parametrize(
    "place",
    ["yesterday", "1-2-3", "-", "0-0; x", "9" * 23 + "-0", f"0-{2**64}", "5--3", "9" * 5000 + "-0"],
)
def test_no_place_is_refused(owner: httpx.Client, place: str) -> None:
    reply = owner.get("/v1/triggers", headers={"Last-Event-ID": place})
    assert (reply.status_code, reply.json()["reason"]) == (400, "bad_query")


def test_how_receivers_stand_is_told(owner: httpx.Client, redis_client: redis.Redis) -> None:
    fields: Any = {"tool": encode_state(ReceiverState(n_waiting=3, last="refused 503"))}
    redis_client.hset(KEYS.receivers(), mapping=fields)
    redis_client.xadd(KEYS.undelivered("tool"), {"x": "y"})
    told = owner.get("/v1/receivers").json()["receivers"]["tool"]
    assert (told["nWaiting"], told["nUndelivered"], told["last"]) == (3, 1, "refused 503")


@pytest.mark.parametrize("path", ["/v1/triggers", "/v1/receivers"])
def test_only_the_secret_key_opens_it(owner: httpx.Client, path: str) -> None:
    owner.auth = httpx.BasicAuth("write-key", "")
    assert owner.get(path).status_code == 403

"""The dashboard: what processes tell comes to all who look, in one reading for all of them."""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import httpx
import pytest
import redis
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from config.figures import FIGURES_FIELD, Figures, Teller, decode_figures, encode_figures
from config.keys import FIGURES_AGE_MS
from config.latencies import bucket_of
from online_models.experiment_sums import ExperimentSums
from serving.dashboard import MAX_VIEWERS, Dashboard
from serving.experiments import ExperimentReader, RedisSums, SumsReader
from serving.figures import FiguresPublisher
from serving.health import Watcher
from serving.metrics import ServingMetrics
from serving.picture import Around
from serving.refusals import Refused
from serving.slow import SlowDecisions
from tests.builders import read_experiments
from tests.serving.builders import IDS
from tests.serving.conftest import KEYS, Serve, served, wait_for

SECRET = {"authorization": "Bearer secret-key"}


@pytest.fixture
def owner(serve: Serve, redis_url: str) -> httpx.Client:
    """Return a client of a new server that sends the secret key."""
    client = serve(redis_url)
    client.auth = httpx.BasicAuth("secret-key", "")
    return client


def tell(client: redis.Redis, figures: Figures) -> None:
    """Append an entry."""
    fields: dict[Any, Any] = {FIGURES_FIELD: encode_figures(figures)}
    client.xadd(KEYS.figures(), fields)


def tell_first(client: redis.Redis, told: list[tuple[Figures, float]]) -> None:
    """Begin the stream anew with these, each so many seconds old; servers go on with later ids."""
    seconds, us = client.time()
    with client.pipeline() as pipe:
        pipe.delete(KEYS.figures())
        for figures, seconds_ago in told:
            fields: dict[Any, Any] = {FIGURES_FIELD: encode_figures(figures)}
            at = int(1000 * seconds + us / 1000 - 1000 * seconds_ago)
            pipe.xadd(KEYS.figures(), fields, id=f"{at}-*")
        pipe.execute()


def tell_of_before(client: redis.Redis) -> None:
    """Tell of a worker, a learner and a server, as of 100 and of 30 seconds ago."""
    told = []
    server, worker = Teller("s-other", "server"), Teller("w-1", "worker")
    learner = Teller("l-1", "learner")
    for seconds_ago, n in ((100.0, 1), (30.0, 4)):
        decided = {"decisions": {"hero personal": 30.0 * n, "hero no_history": 10.0 * n}}
        timed = {name: {bucket_of(0.002): 40} for name in ("/v1/personalize", "read", "decide")}
        told.append((server.figures(decided, {}, timed), seconds_ago))
        server.confirm()
        applied = {"applied": {"track applied": 100.0 * n, "tick applied": 7.0}}
        levels = {"lag": {"3": 2.5}, "worker": {"owned": 60.0, "memory": 1e6}}
        commits = {"append_to_commit": {bucket_of(0.01): 50}}
        told.append((worker.figures(applied, levels, commits), seconds_ago))
        worker.confirm()
        scored = {"next-product n": 200.0 * n, "next-product points": 100.0 * n}
        told.append((learner.figures({"progress": scored}, {}, {}), seconds_ago))
        learner.confirm()
    tell_first(client, told)


def look(owner: httpx.Client) -> dict[str, Any]:
    answer = owner.get("/v1/dashboard")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_only_the_secret_key_looks(shop: httpx.Client, stranger: httpx.Client) -> None:
    for path in ("/v1/dashboard", "/v1/dashboard/stream"):
        assert stranger.get(path).status_code == 401
        assert shop.get(path).status_code == 403


def test_the_page_holds_nothing_and_lets_nothing_in(stranger: httpx.Client) -> None:
    page = stranger.get("/dashboard")
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 3
    for answer in (page, *map(stranger.get, files)):
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_minutes_before_are_there_at_the_first_look(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    tell_of_before(redis_client)
    told = look(owner)
    now, points = told["now"], told["points"]
    decided = [point for point in points if point["p99"] is not None]
    assert [point["decisions"] for point in decided] == [8.0, 8.0]  # 40 in five seconds
    assert [point["applied"] for point in points if point["applied"]] == [20.0, 60.0]
    assert now["minute"]["decisions"] == 40
    assert now["minute"]["stages"]["read"]["p99"] == pytest.approx(2.0, rel=0.03)
    assert now["minute"]["freshness"]["append_to_commit"]["n"] == 50
    assert now["minute"]["fallbacks"] == {"no_history": 30.0}
    assert now["placements"] == [
        {"name": "hero", "decided": 160.0, "personal": 0.75, "general": 0.0, "fallback": 0.25}
    ]
    [model] = now["models"]
    assert (model["scored"], model["own"]) == (800.0, 0.5)


def test_what_lives_is_told_with_lag_and_lights(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    levels = {"lag": {"3": 2.5, "4": 0.0}, "worker": {"owned": 60.0, "memory": 1e6}}
    tell(redis_client, Teller("w-1", "worker").figures({}, levels, {}))
    now = look(owner)["now"]
    assert now["processes"]["worker"] == 1
    shards = now["lag"].pop("shards")
    assert now["lag"] == {"worst": 2.5, "owned": 60, "of": 64}
    assert [one["state"] for one in shards[2:5]] == ["red", "amber", "green"]
    assert [one["lag"] for one in shards[2:5]] == [None, 2.5, 0.0]
    lights = {light["name"]: light for light in now["lights"]}
    assert lights["Shards"]["sentence"] == "4 of 64 shards have no worker."
    assert lights["Processes"]["state"] == "red"  # there is no learner, and no worker's heartbeat
    assert now["light"]["state"] == "red"


def test_decisions_and_events_are_counted_once_and_as_they_were_answered(
    owner: httpx.Client,
) -> None:
    for number in range(7):
        body = {"anonymousId": f"a-{number}", "placements": ["next-best"]}
        assert owner.post("/v1/personalize", json=body).status_code == 200
    event = {"type": "page", "anonymousId": "a"}
    assert owner.post("/v1/batch", json={"batch": [event] * 5}).status_code == 200
    assert owner.post("/v1/personalize", json={"placements": ["none"]}).status_code == 400

    def minute() -> dict[str, Any]:
        told: dict[str, Any] = look(owner)["now"]["minute"]
        return told

    wait_for(lambda: minute()["events"])
    told = minute()
    assert (told["decisions"], told["events"], told["placements"]) == (7, 5.0, 7.0)
    assert {stage: one["n"] for stage, one in told["stages"].items()} == {
        "read": 7,
        "decide": 7,
        "encode": 7,
    }
    assert told["routes"]["/v1/batch"]["n"] == 1
    assert told["refused"]["unknown_placement"] == 1.0


@contextmanager
def listening(owner: httpx.Client) -> Iterator[Iterator[dict[str, Any]]]:
    """Yield the data of the events as they come."""
    with (
        httpx.Client(base_url=owner.base_url, headers=SECRET, timeout=30) as client,
        client.stream("GET", "/v1/dashboard/stream") as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in answer.iter_lines() if line.startswith("data: "))
        yield (json.loads(line.removeprefix("data: ")) for line in lines)


def test_all_viewers_are_told_the_same(owner: httpx.Client, redis_client: redis.Redis) -> None:
    tell_of_before(redis_client)
    with listening(owner) as one, listening(owner) as other:
        first = next(one)
        assert len(first["points"]) > 10  # of the 100 seconds
        told = {so_far["now"]["at"]: so_far["now"] for so_far in (next(one) for _ in range(3))}
        also = {so_far["now"]["at"]: so_far["now"] for so_far in (next(other) for _ in range(4))}
        both = told.keys() & also.keys()
        assert len(both) >= 2
        assert all(told[at] == also[at] for at in both)


def test_a_stream_is_no_request_that_took_long(owner: httpx.Client) -> None:
    with listening(owner) as told:
        next(told)
    page = owner.get("/metrics").text
    assert 'route="/v1/dashboard/stream",status="200"' not in page


def test_a_server_that_ends_ends_its_streams(redis_url: str) -> None:
    with httpx.Client(timeout=30, headers=SECRET) as viewer:
        with served(redis_url) as client:
            request = viewer.build_request("GET", f"{client.base_url}/v1/dashboard/stream")
            stream = viewer.send(request, stream=True)
            chunks = stream.iter_raw()
            assert next(chunks).startswith(b"event: now")
        # The server, which waits for its answers, has ended; so has this one.
        with pytest.raises(httpx.RemoteProtocolError):
            list(chunks)


def test_there_is_room_for_so_many_viewers_and_they_leave_it_again() -> None:
    async def fill() -> None:
        dashboard = a_dashboard(cast(Redis, Silent()))
        viewers = [asyncio.ensure_future(anext(dashboard.watch())) for _ in range(MAX_VIEWERS)]
        await asyncio.sleep(0)
        with pytest.raises(Refused, match="50 look at the dashboard"):
            dashboard.check_room()
        for viewer in viewers:
            viewer.cancel()
        await asyncio.gather(*viewers, return_exceptions=True)
        dashboard.check_room()

    asyncio.run(fill())


def test_while_nobody_looks_nothing_is_read() -> None:
    async def idle() -> None:
        task = asyncio.create_task(a_dashboard(cast(Redis, Silent())).run())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()

    asyncio.run(idle())


class Silent:
    """A Redis that must not be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked")


class Deaf:
    """A Redis whose replies are lost every second time."""

    def __init__(self) -> None:
        self.entries: list[Figures] = []

    async def xadd(self, key: str, fields: dict[bytes, bytes], minid: int) -> None:
        """Take an entry, and lose the reply."""
        assert key == KEYS.figures()
        assert minid == 9 * FIGURES_AGE_MS
        self.entries.append(decode_figures(fields[FIGURES_FIELD]))
        if len(self.entries) % 2:
            raise RedisConnectionError


def test_what_was_not_confirmed_is_told_again_under_the_same_number() -> None:
    async def publish() -> list[Figures]:
        client, metrics = Deaf(), ServingMetrics(CollectorRegistry())
        slow = SlowDecisions(lambda: 0)
        slow.put(5, "d1", "t1", 80.0, 70.0, 1.0, 0.5, "redis_slow")
        publisher = FiguresPublisher(
            cast(Redis, client),
            KEYS,
            metrics,
            slow,
            lambda: 10 * FIGURES_AGE_MS,
        )
        for _ in range(4):
            metrics.events.labels("track", "accepted").inc()
            metrics.fine.latencies.recorder("read")(0.001)
            metrics.fine.chose("spring")
            metrics.decisions.count("hero", "personal")
            await publisher.publish()
        return client.entries

    entries = asyncio.run(publish())
    assert [entry.n for entry in entries] == [0, 0, 1, 1]
    assert [entry.counts["events"]["track accepted"] for entry in entries] == [1, 2, 1, 2]
    assert [sum(entry.latencies["read"].values()) for entry in entries] == [1, 2, 1, 2]
    assert entries[-1].counts["campaigns"] == {"spring": 2.0}
    assert entries[-1].slow[0].trace_id == "t1"
    assert entries[-1].counts["decisions"] == {"hero personal": 2.0}


def a_dashboard(
    client: Redis, sums: SumsReader | None = None, every_seconds: float = 1.0
) -> Dashboard:
    text = {"hero": {"variations": [{"name": "control"}, {"name": "new"}]}}
    experiments = read_experiments(text) if sums else {}
    return Dashboard(
        client,
        KEYS,
        Around(64, 50),
        Watcher(client, KEYS, IDS, lambda _look: None),
        ExperimentReader(sums or RedisSums(client, KEYS), lambda: experiments),
        every_seconds,
    )


class Faulty:
    """A Redis of which a reply is lost: the so manieth to a command."""

    def __init__(self, client: Redis, command: str, number: int) -> None:
        self._client = client
        self._command = command
        self._left = number

    def __getattr__(self, name: str) -> Any:
        self._left -= name == self._command
        if name == self._command and self._left == 0:
            raise RedisConnectionError
        return getattr(self._client, name)


def look_without(redis_url: str, command: str, number: int) -> dict[str, Any]:
    """Return what is told first where a reply is lost."""

    async def looked() -> bytes:
        client = Redis.from_url(redis_url)
        faulty = cast(Redis, Faulty(client, command, number))
        dashboard = a_dashboard(faulty, every_seconds=0.05)
        task = asyncio.create_task(dashboard.run())
        try:
            return await dashboard.look()
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.aclose()

    told: dict[str, Any] = json.loads(asyncio.run(looked()))
    return told


def test_nothing_is_told_before_redis_answered(redis_client: redis.Redis, redis_url: str) -> None:
    tell(redis_client, Teller("l-1", "learner").figures({}, {}, {}))
    now = look_without(redis_url, "time", 1)["now"]
    assert now["at"] > 0
    assert now["processes"]["learner"] == 1


def test_a_load_that_breaks_off_goes_on_before_points_are_closed(
    redis_client: redis.Redis, redis_url: str
) -> None:
    teller, told = Teller("s-other", "server"), []
    for number in range(1, 61):
        accepted = {"events": {"track accepted": 5.0 * number}}
        told.append((teller.figures(accepted, {}, {}), 70.0 - number))
        teller.confirm()
    tell_first(redis_client, told)
    points = look_without(redis_url, "xrange", 3)["points"]
    assert 5 * sum(point["events"] for point in points) == 300.0


def test_an_experiment_is_shown_as_before_while_its_sums_cannot_be_read() -> None:
    class OneAnswer:
        n_asked = 0

        async def read(self, *_: Any) -> Mapping[str, ExperimentSums]:
            self.n_asked += 1
            if self.n_asked > 1:
                raise Refused("state_unavailable", "Redis does not answer")
            return {}

    async def told() -> list[list[str]]:
        client = cast(Redis, Silent())
        dashboard, around = a_dashboard(client, sums=OneAnswer()), []
        for _ in range(2):
            dashboard._around.experiments = await dashboard._told_experiments()
            around.append([one["name"] for one in dashboard._around.experiments])
        return around

    assert asyncio.run(told()) == [["hero"], ["hero"]]


def test_a_figure_that_cannot_be_read_is_left_out(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    redis_client.xadd(KEYS.figures(), {"f": b"\xff"})
    redis_client.xadd(KEYS.figures(), {"other": b"1"})
    tell(redis_client, Teller("w-1", "worker").figures({}, {"worker": {"owned": 64.0}}, {}))
    assert look(owner)["now"]["processes"]["worker"] == 1


def test_entries_go_after_their_time(owner: httpx.Client, redis_client: redis.Redis) -> None:
    old = int(1000 * time.time()) - 2 * FIGURES_AGE_MS
    fields: dict[Any, Any] = {FIGURES_FIELD: b"\xff"}
    with redis_client.pipeline() as pipe:  # the server tells something each second
        pipe.delete(KEYS.figures())
        for number in range(500):  # a stream lets go of whole nodes
            pipe.xadd(KEYS.figures(), fields, id=f"{old}-{number + 1}")
        pipe.execute()
    wait_for(lambda: redis_client.xlen(KEYS.figures()) < 200)

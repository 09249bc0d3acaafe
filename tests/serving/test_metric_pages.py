"""One page of metrics for the processes of a machine, and how they find each other."""

import asyncio
import socket
import threading
import time
from collections.abc import Mapping

import redis
from prometheus_client import CollectorRegistry, Counter, start_http_server
from prometheus_client.parser import text_string_to_metric_families

from config.announcements import Announcement, decode_announcement, encode_announcement
from config.keys import HEARTBEAT_MS
from serving.announcing import Neighbours
from serving.main import connect
from serving.metric_pages import MetricPages, merged
from tests.serving.conftest import KEYS
from tests.serving.following import until

HERE = Announcement("server", "here", 1, "127.0.0.1", 9100)
ELSEWHERE = Announcement("worker", "elsewhere", 1, "127.0.0.1", 9101)


def a_registry(n_events: int) -> CollectorRegistry:
    registry = CollectorRegistry()
    events = Counter("events_total", "Events {so called}", ["type"], registry=registry)
    events.labels('a "b" {c}').inc(n_events)
    Counter("plain_total", "No labels", registry=registry).inc(n_events)
    return registry


def page_of(n_events: int, others: Mapping[str, Announcement]) -> str:
    pages = MetricPages(a_registry(n_events), "m-server-1-00000000", lambda: others)
    return asyncio.run(pages.page()).decode()


def test_samples_of_all_processes_are_there_once_and_say_whose_they_are() -> None:
    other, thread = start_http_server(0, "127.0.0.1", a_registry(5))
    try:
        at = Announcement("server", "here", 2, "0.0.0.0", other.server_port)
        page = page_of(2, {"m-server-2-11111111": at})
    finally:
        other.shutdown()
        other.server_close()
        thread.join()
    families = {f.name: f for f in text_string_to_metric_families(page)}
    found = {
        (s.labels["process"], s.labels.get("type")): s.value
        for name in ("events", "plain")
        for s in families[name].samples
        if s.name.endswith("_total")
    }
    assert found == {
        ("server-1", 'a "b" {c}'): 2.0,
        ("server-2", 'a "b" {c}'): 5.0,
        ("server-1", None): 2.0,
        ("server-2", None): 5.0,
    }
    assert page.count("# TYPE events_total counter") == 1


def test_a_process_that_does_not_answer_is_left_out() -> None:
    gone = Announcement("worker", "here", 2, "127.0.0.1", 1)
    assert 'process="server-1"' in page_of(2, {"m-worker-1-22222222": gone})


def test_a_process_that_answers_in_driblets_is_left_out() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def dribble() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n# HELP drops D\n# TYPE drops counter\n")
            for number in range(20):
                connection.sendall(b'drops{number="%d"} 1.0\n' % number)
                time.sleep(0.1)

    thread = threading.Thread(target=dribble)
    thread.start()
    at = Announcement("server", "here", 2, "127.0.0.1", listener.getsockname()[1])
    others = {"m-server-2-11111111": at}
    pages = MetricPages(a_registry(2), "m-server-1-00000000", lambda: others, fetch_seconds=0.5)
    page = asyncio.run(pages.page()).decode()
    thread.join()
    listener.close()
    assert 'process="server-1"' in page
    assert "drops" not in page


def test_however_many_ask_at_once_the_page_is_made_once() -> None:
    asked = []

    def others() -> Mapping[str, Announcement]:
        asked.append(1)
        return {}

    async def ask() -> None:
        pages = MetricPages(a_registry(1), "server", others)
        await asyncio.gather(*(pages.page() for _ in range(20)))
        assert len(asked) == 1
        await pages.page()
        assert len(asked) == 2

    asyncio.run(ask())


def test_an_empty_page_adds_nothing() -> None:
    assert merged({"a": b"", "b": b""}) == ""


def test_servers_see_processes_of_their_machine_alone(
    redis_url: str, redis_client: redis.Redis
) -> None:
    worker = Announcement("worker", "here", 3, "127.0.0.1", 9102)
    redis_client.sadd(KEYS.workers(), "w-1", "w-2", "dead")
    redis_client.set(KEYS.worker("w-1"), encode_announcement(worker))
    redis_client.set(KEYS.worker("w-2"), encode_announcement(ELSEWHERE))
    redis_client.sadd(KEYS.servers(), "dead")

    async def look() -> None:
        client = connect(redis_url)
        one, two = (Neighbours(client, KEYS, name, HERE) for name in ("s-1", "s-2"))
        await one.look()
        await two.look()
        await one.look()
        assert one.others == {"s-2": HERE, "w-1": worker}
        assert two.others == {"s-1": HERE, "w-1": worker}
        await client.aclose()

    asyncio.run(look())
    assert redis_client.smembers(KEYS.servers()) == {b"s-1", b"s-2"}
    left = redis_client.pttl(KEYS.server("s-1"))
    assert isinstance(left, int)
    assert 0 < left <= HEARTBEAT_MS


def test_a_server_says_good_bye(redis_url: str, redis_client: redis.Redis) -> None:
    async def live() -> None:
        client = connect(redis_url)
        running = asyncio.create_task(Neighbours(client, KEYS, "s-1", HERE).run())
        await until(lambda: redis_client.exists(KEYS.server("s-1")) == 1)
        assert decode_announcement(await client.get(KEYS.server("s-1"))) == HERE
        running.cancel()
        await asyncio.wait([running])
        await client.aclose()

    asyncio.run(live())
    assert not redis_client.exists(KEYS.server("s-1"))
    assert redis_client.smembers(KEYS.servers()) == set()

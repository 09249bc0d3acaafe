"""A replay gets every event accepted, in order, whatever the server answers first."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from loadtest.formats import Timed, iso_time
from loadtest.replay import ReplayGaveUp, ReplayRefused, Target, replay

HOUR_MS = 3_600_000
OK = (200, {"success": True})
BUSY = (503, {"success": False, "reason": "log_unavailable"})
HANG_UP: tuple[int, dict[str, Any]] = (0, {})


@dataclass
class Script:
    """What a server answers, one after the other, then 200 for ever; and what it was sent."""

    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    paths: list[str] = field(default_factory=list)
    n_holds: int = 0


@contextmanager
def serving(script: Script) -> Iterator[str]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            batch = orjson.loads(body)["batch"]
            with lock:
                script.keys.add(self.headers["authorization"])
                script.paths.append(self.path)
                if batch:
                    script.batches.append(batch)
                    status, content = script.answers.pop(0) if script.answers else OK
                else:
                    script.n_holds += 1
                    status, content = OK
            if not status:
                self.close_connection = True
                return
            reply = orjson.dumps(content)
            self.send_response(status)
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def history(n_events: int, n_users: int = 3, step_ms: int = 1000) -> list[Timed]:
    return [
        Timed(
            1_600_000_000_000 + n * step_ms,
            n,
            {
                "type": "track",
                "event": "Product Viewed",
                "messageId": f"m-{n}",
                "userId": f"user-{n % n_users}",
                "timestamp": iso_time(1_600_000_000_000 + n * step_ms),
                "receivedAt": iso_time(1_600_000_000_000 + n * step_ms),
            },
        )
        for n in range(n_events)
    ]


def test_an_import_is_sent_in_the_order_of_the_file_with_its_times() -> None:
    events, script = history(1200), Script()
    with serving(script) as url:
        result = replay(events, Target(url, "sk", imports=True))
    assert [event for batch in script.batches for event in batch] == [t.event for t in events]
    assert (result.sent, result.accepted, result.retries) == (1200, 1200, 0)
    assert script.keys == {"Bearer sk"}


def test_an_import_says_that_it_goes_on_while_it_waits() -> None:
    script = Script([BUSY] * 2)
    with serving(script) as url:
        target = Target(url, "sk", imports=True, speed=10.0, hold_seconds=0.01)
        replay(history(5), target)
    assert script.n_holds > 0
    assert set(script.paths) == {"/v1/import"}


def test_a_live_replay_holds_no_time_off() -> None:
    script = Script()
    with serving(script) as url:
        replay(history(5), Target(url, "wk", speed=50.0, hold_seconds=0.01))
    assert (script.n_holds, set(script.paths)) == (0, {"/v1/batch"})


def test_a_batch_is_sent_again_with_the_same_ids_until_it_is_accepted() -> None:
    script = Script([BUSY, HANG_UP])
    with serving(script) as url:
        result = replay(history(10), Target(url, "sk", imports=True))
    assert script.batches[0] == script.batches[1] == script.batches[2]
    assert (result.accepted, result.retries) == (10, 2)


def test_a_batch_that_stays_too_large_for_the_server_is_halved() -> None:
    script = Script([BUSY] * 3)
    with serving(script) as url:
        result = replay(history(100), Target(url, "sk", imports=True))
    assert [len(batch) for batch in script.batches] == [100, 100, 100, 50, 50]
    assert result.accepted == 100


def test_a_batch_of_an_import_spans_at_most_twelve_hours() -> None:
    script = Script()
    with serving(script) as url:
        replay(history(30, step_ms=HOUR_MS), Target(url, "sk", imports=True))
    assert [len(batch) for batch in script.batches] == [13, 13, 4]


def test_a_live_replay_keeps_each_users_order_and_drops_the_files_times() -> None:
    script = Script()
    with serving(script) as url:
        replay(history(300, n_users=20), Target(url, "wk", batch_events=7))
    by_user: dict[str, list[int]] = {}
    for batch in script.batches:
        for event in batch:
            assert "receivedAt" not in event
            by_user.setdefault(event["userId"], []).append(int(event["messageId"].split("-")[1]))
    assert sorted(n for numbers in by_user.values() for n in numbers) == list(range(300))
    assert all(numbers == sorted(numbers) for numbers in by_user.values())


def test_two_live_replays_of_one_file_are_different_events() -> None:
    script = Script()
    with serving(script) as url:
        replay(history(5), Target(url, "wk"))
        replay(history(5), Target(url, "wk"))
    assert len({event["messageId"] for batch in script.batches for event in batch}) == 10


def test_a_large_batch_stays_within_the_servers_bounds() -> None:
    events = history(100)
    for timed in events:
        timed.event["properties"] = {"text": "x" * 20_000}
    script = Script()
    with serving(script) as url:
        replay(events, Target(url, "sk", imports=True))
    assert all(len(orjson.dumps({"batch": batch})) <= 500 * 1024 for batch in script.batches)
    assert sum(len(batch) for batch in script.batches) == 100


def test_rejected_events_are_counted_by_reason() -> None:
    rejected = {"rejected": [{"index": 0, "reason": "no_id"}, {"index": 1, "reason": "no_id"}]}
    script = Script([(200, {"success": True} | rejected)])
    with serving(script) as url:
        result = replay(history(10), Target(url, "sk", imports=True))
    assert (result.accepted, dict(result.rejected)) == (8, {"no_id": 2})


def test_a_wrong_key_ends_the_replay_with_the_servers_reason() -> None:
    script = Script([(401, {"success": False, "reason": "wrong_key"})])
    with serving(script) as url, pytest.raises(ReplayRefused, match=r"401.*wrong_key"):
        replay(history(10), Target(url, "no", imports=True))


def test_a_replay_gives_up_when_nothing_is_accepted() -> None:
    script = Script([BUSY] * 100)
    with serving(script) as url, pytest.raises(ReplayGaveUp, match="log_unavailable"):
        replay(history(10), Target(url, "sk", imports=True, give_up_seconds=0.0))

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import redis

from config import events
from config.decisions import DECISION_FIELD, BrokenDecision, Decided, decode_decided
from config.events import ENTRY_FIELD, decode_entry
from config.keys import MAX_DECISIONS
from serving.copying import SLICE_SECONDS
from serving.decision_log import DecisionLog, Made
from serving.event_log import Command, EventLog
from serving.main import connect
from tests.serving.builders import NOW
from tests.serving.conftest import KEYS, Serve, stream_of, wait_for
from tests.serving.deciding import (
    COOKIE,
    PLACEMENTS,
    a_request,
    a_user,
    decided,
    learn,
    lessons,
    remember,
)
from tests.serving.test_personalize import GRANTS, REFUSES, ask, products_of

CAMPAIGN = '[campaigns.x]\nplacements = ["hero"]\nvariations.a.headline = "A"\n'


def entries(client: redis.Redis) -> list[dict[bytes, bytes]]:
    """Return the log, whoever it is about."""
    keys = sorted(str(key, "utf-8") for key in client.scan_iter("*:decisions"))
    return [fields for key in keys for _, fields in stream_of(client, key)]


def logged(client: redis.Redis) -> list[Decided]:
    """Return all decisions in the log."""
    return [decode_decided(fields[DECISION_FIELD]) for fields in entries(client)]


def test_a_personal_decision_is_logged_with_what_was_chosen_and_why(
    serve: Serve, redis_url: str, redis_client: redis.Redis
) -> None:
    shop = serve(redis_url, placements=PLACEMENTS)
    remember(redis_client, COOKIE, a_user(categories={"hiking": 1.0}), offset="7-1")
    learn(redis_client, lessons({"boots": ["socks", "tent", "map"]}))
    wait_for(lambda: products_of(shop, anonymousId="cookie-1")[:1] == ["socks"])
    placements = ["next-best", "hero", "exit"]
    told = ask(shop, anonymousId="cookie-1", placements=placements, context=GRANTS)

    def found() -> list[Decided]:
        return [d for d in logged(redis_client) if d.decision_id == told["decisionId"]]

    wait_for(found)
    [decision] = found()
    assert (decision.subject, decision.applied_up_to) == (COOKIE.digest, "7-1")
    chosen = decision.placements["next-best"]
    assert (chosen.items, chosen.because) == (["socks", "tent", "map"], ["boots"] * 3)
    assert chosen.strategy == "next-best"
    assert decision.placements["hero"].items == ["Hello"]
    assert decision.placements["exit"].items == []


@pytest.mark.parametrize("fields", [{"context": REFUSES}, {}], ids=["refused", "unknown"])
def test_a_decision_that_is_not_personal_is_logged_without_anybody(
    serve: Serve, redis_url: str, redis_client: redis.Redis, fields: dict[str, Any]
) -> None:
    shop = serve(redis_url)
    if fields:
        remember(redis_client, COOKIE, a_user())
    told = ask(shop, anonymousId="cookie-1", **fields)
    wait_for(lambda: logged(redis_client))
    [decision] = logged(redis_client)
    assert (decision.decision_id, decision.subject) == (told["decisionId"], "")
    assert decision.fallback == told["fallback"]
    [fields_kept] = entries(redis_client)
    assert COOKIE.digest.encode() not in b"".join(fields_kept.values())


def a_decision(number: int) -> Made:
    return Made(f"d-{number}", NOW, COOKIE, decided(a_request()), None)


async def write_what_waits(log: DecisionLog, writing: EventLog) -> None:
    """Start a log and stop it before its first batch: it still writes what waits."""
    tasks = [asyncio.create_task(run()) for run in (log.run, writing.run)]
    await asyncio.sleep(0)
    await stop(tasks)


async def stop(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Cancel tasks one after the other, and wait for what each still writes."""
    for task in tasks:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=30.0)


def test_without_a_log_of_decisions_choices_of_campaigns_are_told_and_nothing_else(
    redis_url: str, redis_client: redis.Redis
) -> None:
    dropped: list[tuple[str, int]] = []
    chosen = decided(a_request("hero"), campaigns=CAMPAIGN)

    async def story() -> None:
        async with connect(redis_url) as client:
            writing = EventLog(client, 30.0)
            log = DecisionLog(
                writing, KEYS, 64, lambda *said: dropped.append(said), max_waiting=2, keeps=False
            )
            log.put(a_decision(1))
            log.put(Made("d-2", NOW, None, chosen, None, visitor=COOKIE))
            log.put(a_decision(3))
            await write_what_waits(log, writing)

    asyncio.run(story())
    assert dropped == [("queue_full", 1)]
    assert not list(redis_client.scan_iter("*:decisions"))
    [(_, fields)] = stream_of(redis_client, KEYS.events(COOKIE.shard))
    told = decode_entry(fields[ENTRY_FIELD])
    assert isinstance(told, events.Decided)
    assert (told.decision_id, [one.campaign for one in told.choices]) == ("d-2", ["x"])


def test_what_finds_no_room_is_dropped_and_counted(
    redis_url: str, redis_client: redis.Redis
) -> None:
    dropped: list[tuple[str, int]] = []

    async def story() -> None:
        async with connect(redis_url) as client:
            writing = EventLog(client, 30.0)
            log = DecisionLog(writing, KEYS, 64, lambda *said: dropped.append(said), max_waiting=3)
            for number in range(5):
                log.put(a_decision(number))
            await write_what_waits(log, writing)

    asyncio.run(story())
    assert dropped == [("queue_full", 1)] * 2
    assert [decision.decision_id for decision in logged(redis_client)] == ["d-0", "d-1", "d-2"]


def test_a_log_of_events_that_is_to_be_left_alone_gets_nothing(
    redis_url: str, redis_client: redis.Redis
) -> None:
    dropped: list[tuple[str, int]] = []
    decision = decided(a_request("hero"), campaigns=CAMPAIGN)

    async def story() -> None:
        async with connect(redis_url) as client:
            writing = EventLog(client, 30.0)
            log = DecisionLog(
                writing, KEYS, 64, lambda *said: dropped.append(said), takes_events=lambda: False
            )
            log.put(Made("d-1", NOW, None, decision, None, visitor=COOKIE))
            await write_what_waits(log, writing)

    asyncio.run(story())
    assert dropped == [("not_taken", 1)]
    assert [decision.decision_id for decision in logged(redis_client)] == ["d-1"]
    assert not list(redis_client.scan_iter("*:events"))


class Appended(EventLog):
    """A log that takes note of how many commands it is given at a time."""

    def __init__(self) -> None:
        self.n_commands: list[int] = []

    async def append(self, commands: Sequence[Command]) -> list[object]:
        """Confirm all."""
        self.n_commands.append(len(commands))
        return [b""] * len(commands)


def test_requests_go_first_once_a_slice_of_time_is_used_up() -> None:
    seconds = iter(n * 0.4 * SLICE_SECONDS for n in range(1_000))
    writing = Appended()
    log = DecisionLog(writing, KEYS, 64, lambda *_: None, clock_seconds=lambda: next(seconds))

    async def story() -> None:
        for number in range(7):
            log.put(a_decision(number))
        task = asyncio.create_task(log.run())
        await asyncio.sleep(0)
        await stop([task])

    asyncio.run(story())
    assert writing.n_commands == [3, 3, 1]


def test_what_redis_does_not_confirm_is_counted() -> None:
    dropped: list[tuple[str, int]] = []

    async def story() -> None:
        async with connect("unix:///nowhere/redis.sock") as client:
            writing = EventLog(client, 30.0)
            is_dropped = asyncio.Event()

            def drop(*said: Any) -> None:
                dropped.append(said)
                is_dropped.set()

            log = DecisionLog(writing, KEYS, 64, drop)
            log.put(a_decision(1))
            log.put(a_decision(2))
            tasks = [asyncio.create_task(run()) for run in (log.run, writing.run)]
            async with asyncio.timeout(30):
                await is_dropped.wait()
            await stop(tasks)

    asyncio.run(story())
    assert dropped == [("unconfirmed", 2)]


def test_bytes_that_are_no_decision_are_named_so() -> None:
    with pytest.raises(BrokenDecision):
        decode_decided(b"\x01")


def test_the_log_is_bounded(redis_url: str, redis_client: redis.Redis) -> None:
    async def story() -> None:
        async with connect(redis_url) as client:
            writing = EventLog(client, 30.0)
            log = DecisionLog(writing, KEYS, 64, lambda *_: None, max_waiting=10_000)
            for number in range(MAX_DECISIONS + 1_000):
                log.put(a_decision(number))
            await write_what_waits(log, writing)

    asyncio.run(story())
    # Redis trims by whole nodes of about a hundred entries.
    assert MAX_DECISIONS <= redis_client.xlen(KEYS.decisions(COOKIE.shard)) < MAX_DECISIONS + 200

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
import redis

from serving.event_log import MAX_WAITING_COMMANDS, Command, EventLog, LogUnavailable
from serving.main import connect
from tests.serving.conftest import stream_of


@asynccontextmanager
async def a_log(url: str, *, answer_seconds: float = 30.0) -> AsyncIterator[EventLog]:
    """Give a log that is writing."""
    async with connect(url) as client:
        log = EventLog(client, answer_seconds)
        writing = asyncio.create_task(log.run())
        try:
            yield log
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing


def add(n: int, key: str = "log") -> Command:
    return ("XADD", key, "*", "n", n)


def test_each_request_gets_the_replies_to_its_own_commands(
    redis_url: str, redis_client: redis.Redis
) -> None:
    async def story() -> Sequence[Sequence[object]]:
        async with a_log(redis_url) as log:
            first = await asyncio.gather(*(log.append([add(n), add(-n)]) for n in range(1, 200)))
            return [*first, await log.append([add(0)])]

    replies = asyncio.run(story())
    held = {entry_id: int(fields[b"n"]) for entry_id, fields in stream_of(redis_client, "log")}
    told = [[held[entry_id] for entry_id in reply] for reply in replies]  # type: ignore[index]
    assert told == [*([n, -n] for n in range(1, 200)), [0]]


def test_requests_in_flight_share_a_round_trip(redis_url: str, redis_client: redis.Redis) -> None:
    def n_reads() -> int:
        return int(redis_client.info("stats")["total_reads_processed"])

    async def story() -> int:
        async with a_log(redis_url) as log:
            await log.append([add(0)])
            before = n_reads()
            await asyncio.gather(*(log.append([add(n)]) for n in range(100)))
            return n_reads() - before

    assert asyncio.run(story()) < 10


def test_a_refused_command_fails_its_own_request_only(redis_url: str) -> None:
    async def story() -> Sequence[list[object] | BaseException]:
        async with a_log(redis_url) as log:
            await log.append([("SET", "text", "x")])
            return await asyncio.gather(
                log.append([add(1)]),
                log.append([add(2, key="text")]),
                log.append([add(3)]),
                return_exceptions=True,
            )

    replies = asyncio.run(story())
    assert [type(reply) for reply in replies] == [list, LogUnavailable, list]


def test_what_was_given_up_before_it_was_sent_is_not_sent(
    redis_url: str, redis_client: redis.Redis
) -> None:
    async def story() -> None:
        async with connect(redis_url) as client:
            log = EventLog(client, answer_seconds=0.5)
            with pytest.raises(LogUnavailable):
                await log.append([add(1)])  # nobody writes yet
            writing = asyncio.create_task(log.run())
            with suppress(LogUnavailable):
                await log.append([add(2)])
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing

    asyncio.run(story())
    assert b"1" not in [fields[b"n"] for _, fields in stream_of(redis_client, "log")]


def test_redis_is_not_blamed_for_a_server_that_was_busy(redis_url: str) -> None:
    async def story() -> list[object]:
        async with a_log(redis_url, answer_seconds=1.0) as log:
            await log.append([add(0)])
            waiting = asyncio.create_task(log.append([add(1)]))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            time.sleep(1.5)  # noqa: ASYNC251 - longer than the log would wait
            return await waiting

    assert len(asyncio.run(story())) == 1


def test_the_queue_is_bounded(redis_url: str) -> None:
    async def story() -> None:
        async with connect(redis_url) as client:
            log = EventLog(client, answer_seconds=0.01)
            waiting = asyncio.create_task(log.append([add(0)] * MAX_WAITING_COMMANDS))
            await asyncio.sleep(0)
            with pytest.raises(LogUnavailable, match="too many"):
                await log.append([add(1)])
            with pytest.raises(LogUnavailable, match="in time"):
                await waiting

    asyncio.run(story())


def test_a_log_that_stops_refuses_what_is_waiting(redis_url: str) -> None:
    async def story() -> None:
        async with a_log(redis_url) as log:
            waiting = asyncio.create_task(log.append([add(0)]))
            await asyncio.sleep(0)
        with pytest.raises(LogUnavailable, match="stopping"):
            await waiting

    asyncio.run(story())

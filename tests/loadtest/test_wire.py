"""Answers are cut out of what comes, wherever TCP split it, and a lost connection is an answer."""

import asyncio
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.wire import NO_ANSWER, Answer, Answers, Lines, post

TWO = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nserver-timing: read\r\n\r\none"
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
)


@given(st.lists(st.integers(0, len(TWO))))
def test_answers_are_whole_however_they_are_split(places: list[int]) -> None:
    edges = [0, *sorted(places), len(TWO)]
    answers, found = Answers(), []
    for start, end in pairwise(edges):
        found += answers.feed(TWO[start:end])
    assert [answer[:2] for answer in found] == [(200, b"one"), (503, b"")]


async def _ask_twice(replies: list[bytes]) -> list[Answer]:
    """Ask a server that gives one reply a request, and ends the connection when it has no more."""
    left = list(replies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"{}") and left:
                writer.write(left.pop(0))
        writer.transport.abort()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    lines = Lines("127.0.0.1", server.sockets[0].getsockname()[1])
    await lines.open(1)
    request = post("/", "key", b"{}")
    answers = [await lines.ask(request), await lines.ask(request)]
    lines.close()
    server.close()
    await ended.wait()
    await asyncio.sleep(0)  # so that both sides hear of it
    return answers


@pytest.mark.parametrize(
    ("replies", "statuses"),
    [
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] * 2, [200, 200]),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"], [200, 0]),
    ],
)
def test_a_connection_that_ends_is_no_answer(replies: list[bytes], statuses: list[int]) -> None:
    answers = asyncio.run(_ask_twice(replies))
    assert [answer.status for answer in answers] == statuses


async def _ask_nobody() -> Answer:
    return await Lines("127.0.0.1", 9).ask(post("/", "key", b"{}"))


def test_where_nobody_listens_there_is_no_answer() -> None:
    assert asyncio.run(_ask_nobody()) == NO_ANSWER

"""Decisions for firings: what a server answers late, badly or not at all."""

import json

import httpx
import pytest

from delivery.asking import Asker, ServerAway
from tests.delivery.builders import a_firing
from tests.delivery.running import Answer

pytestmark = pytest.mark.anyio


async def ask(answer: Answer, n_firings: int, **changes: object) -> dict[str, bytes | None]:
    """Return the decisions for so many users' firings."""
    firings = [a_firing(1, f"user-{n}", placements=["mail"], **changes) for n in range(n_firings)]
    decisions: dict[str, bytes | None] = {}
    asker = Asker("http://server", "key", httpx.MockTransport(answer))
    try:
        await asker.ask(firings, decisions)
    finally:
        await asker.close()
    return decisions


def users_of(request: httpx.Request) -> list[str]:
    return [user["userId"] for user in json.loads(request.content)["users"]]


def decided(users: list[str]) -> httpx.Response:
    return httpx.Response(200, json={"decisions": [{"for": user} for user in users]})


@pytest.mark.parametrize("status", [400, 413, 500])
async def test_one_that_the_server_refuses_takes_no_decision_from_others(status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        users = users_of(request)
        return httpx.Response(status) if "user-3" in users else decided(users)

    decisions = await ask(answer, 9)
    assert decisions.pop("user-3-1") is None
    assert decisions == {
        f"user-{n}-1": json.dumps({"for": f"user-{n}"}, separators=(",", ":")).encode()
        for n in range(9)
        if n != 3
    }


@pytest.mark.parametrize("n_decisions", [0, 1, 3])
async def test_another_number_of_decisions_is_no_answer(n_decisions: int) -> None:
    answer = httpx.Response(200, json={"decisions": [{}] * n_decisions})
    with pytest.raises(ServerAway):
        await ask(lambda _: answer, 2)


@pytest.mark.parametrize(("wish", "seconds"), [("7", 7), ("86400", 30), ("soon", 0), ("-1", 0)])
async def test_when_to_come_again_is_heard(wish: str, seconds: int) -> None:
    headers = {"retry-after": wish}
    with pytest.raises(ServerAway) as raised:
        await ask(lambda _: httpx.Response(503, headers=headers), 1)
    assert raised.value.retry_after_seconds == seconds


async def test_what_was_decided_is_not_asked_for_again() -> None:
    asked: list[list[str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        users = users_of(request)
        asked.append(users)
        return httpx.Response(503) if asked == [["ann"], ["bob"]] else decided(users)

    firings = [
        a_firing(1, "ann", placements=["mail"]),
        a_firing(1, "bob", placements=["other"]),
        a_firing(1, "carl"),
    ]
    decisions: dict[str, bytes | None] = {}
    asker = Asker("http://server", "key", httpx.MockTransport(answer))
    with pytest.raises(ServerAway):
        await asker.ask(firings, decisions)
    await asker.ask(firings, decisions)
    await asker.close()
    assert asked == [["ann"], ["bob"], ["bob"]]
    assert sorted(decisions) == ["ann-1", "bob-1"]

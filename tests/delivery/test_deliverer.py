"""From firings in the outboxes to receivers, with a real Redis."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from standardwebhooks import Webhook

from config.events import SUBJECT_FIELD
from config.keys import MAX_UNDELIVERED
from config.receiver_states import ReceiverState, decode_state, encode_state
from config.told import LETTER_FIELD, TOLD_FIELD, Letter, decode_letter, decode_told, told_fields
from delivery.main import connect
from delivery.messages import message_of
from delivery.outboxes import InvalidCommit, Outboxes
from online_models.users import Linked, Suppressed, UserState, encode_user
from tests.delivery.builders import (
    IDS,
    KEYS,
    SECRET,
    Listener,
    a_firing,
    a_receiver,
    fire,
    listening,
)
from tests.delivery.running import delivering, until

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000_000
DROPPED = "shopkeeper_triggers_dropped_total"


def entries_of(client: redis.Redis, stream: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    entries: Any = client.xrange(stream)
    return list(entries)


def letters(client: redis.Redis, receiver: str = "tool") -> list[Letter]:
    entries = entries_of(client, KEYS.undelivered(receiver))
    return [decode_letter(fields[LETTER_FIELD]) for _, fields in entries]


def reasons(client: redis.Redis, receiver: str = "tool") -> list[str]:
    return [letter.reason for letter in letters(client, receiver)]


def state_of(client: redis.Redis, receiver: str) -> ReceiverState:
    data: Any = client.hget(KEYS.receivers(), receiver)
    return decode_state(data)


def queue(client: redis.Redis, *firings: Any) -> list[str]:
    """Put messages into the queue of the tool; return their entries."""
    found = []
    with client.pipeline() as pipe:
        for fired in firings:
            fields: Any = told_fields(message_of(fired, None))
            pipe.xadd(KEYS.waiting("tool"), fields)
        found = [entry.decode() for entry in pipe.execute()]
    return found


async def test_what_fired_is_sent_once_to_each_receiver_that_wants_it(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    async with listening(Listener()) as every, listening(Listener()) as pushes:
        tables = a_receiver(every) + a_receiver(pushes, "push", channels=["push"])
        async with delivering(redis_url, tmp_path, tables):
            fire(redis_client, a_firing(1), a_firing(2, channel="push"), a_firing(1, "bob"))
            await until(lambda: len(every.got) == 3 and len(pushes.got) == 1)
            await until(lambda: not redis_client.xlen(KEYS.waiting("tool")))
    assert sorted(every.ids()) == ["ann-1", "ann-2", "bob-1"]
    assert pushes.ids() == ["ann-2"]
    for webhook in every.got:
        told = Webhook(SECRET).verify(webhook.body, webhook.headers)
        assert told["type"] == "trigger.fired"
    assert redis_client.xlen(KEYS.told()) == 3


async def test_a_message_carries_the_decision_of_the_server(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    asked: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer secret-key"
        asked.append(json.loads(request.content))
        decisions = [{"decisionId": f"d-{n}"} for n in range(len(asked[-1]["users"]))]
        return httpx.Response(200, json={"decisions": decisions})

    fired = a_firing(placements=["mail"], product_ids=["boots"], facts={"cart_value": 129.0})
    async with (
        listening(Listener()) as tool,
        delivering(redis_url, tmp_path, a_receiver(tool), answer),
    ):
        fire(redis_client, fired)
        await until(lambda: tool.got)
    assert tool.got[0].data()["decision"] == {"decisionId": "d-0"}
    [question] = asked
    assert (question["channel"], question["placements"]) == ("email", ["mail"])
    assert question["users"] == [
        {
            "userId": "ann",
            "page": {"productId": "boots"},
            "context": {"trigger": "idle", "cart_value": 129.0},
        }
    ]


async def test_while_no_server_answers_nothing_is_lost(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    is_there = False
    late = a_firing(2, expires_at=1_700_000_000_001)

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"decisions": [{}]}) if is_there else httpx.Response(503)

    async with (
        listening(Listener()) as tool,
        delivering(redis_url, tmp_path, a_receiver(tool), answer) as running,
    ):
        fire(redis_client, a_firing(placements=["mail"]), late)
        failed = "shopkeeper_decision_asks_failed_total"
        await until(lambda: running.metric(failed) > 1)
        assert not tool.got
        is_there = True
        await until(lambda: tool.got)
        # Looked at each time that the server was asked, and counted once all the same.
        await until(lambda: running.metric(DROPPED, reason="expired") == 1)
    assert tool.ids() == ["ann-1"]


async def test_a_user_hears_the_second_only_once_the_first_was_taken(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    refusals = iter([503])

    def answer(webhook: Any) -> int:
        return next(refusals, 204) if webhook.told_id == "ann-1" else 204

    async with (
        listening(Listener(answer=answer)) as tool,
        delivering(redis_url, tmp_path, a_receiver(tool)),
    ):
        fire(redis_client, a_firing(1), a_firing(2), a_firing(1, "bob"))
        await until(lambda: len(tool.got) == 4, 30)
    ids = tool.ids()
    assert [one for one in ids if one.startswith("ann")] == ["ann-1", "ann-1", "ann-2"]
    assert ids.index("bob-1") < ids.index("ann-2")
    assert len({hook.body for hook in tool.got if hook.told_id == "ann-1"}) == 1


async def test_a_slow_receiver_holds_up_no_other(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    async with (
        listening(Listener(wait=lambda _: 60.0)) as slow,
        listening(Listener()) as quick,
    ):
        tables = a_receiver(slow, "slow", at_once=1) + a_receiver(quick)
        async with delivering(redis_url, tmp_path, tables):
            fire(redis_client, *(a_firing(n, f"user-{n}") for n in range(50)))
            await until(lambda: len(quick.got) == 50)
            assert len(slow.got) == 1


async def test_after_a_410_nothing_is_sent_until_the_address_is_another(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    async with (
        listening(Listener(answer=lambda _: 410)) as gone,
        listening(Listener()) as new,
        delivering(redis_url, tmp_path, a_receiver(gone, at_once=1)) as running,
    ):
        fire(redis_client, a_firing(1), a_firing(2), a_firing(1, "bob"))
        await until(lambda: reasons(redis_client) == ["gone"] * 3)
        assert len(gone.got) == 1
        running.file.write_text(a_receiver(new), encoding="utf-8")
        await until(lambda: not redis_client.exists(KEYS.stopped()))
        fire(redis_client, a_firing(3))
        await until(lambda: new.got)
    assert new.ids() == ["ann-3"]


async def test_what_is_not_worth_telling_any_more_is_not_told(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    async with (
        listening(Listener()) as tool,
        delivering(redis_url, tmp_path, a_receiver(tool)) as running,
    ):
        fire(redis_client, a_firing(1, expires_at=1_700_000_000_001), a_firing(2))
        await until(lambda: tool.got)
        dropped = running.metric(DROPPED, reason="expired")
    assert (tool.ids(), dropped) == (["ann-2"], 1)


async def test_who_was_erased_or_refuses_is_not_told_of(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    ann, bob, visitor = IDS.known("ann"), IDS.known("bob"), IDS.anonymous("v-1")
    refusing = UserState(latest_at=1, first_at=1, received_at=1, consent=(1, False))
    redis_client.set(KEYS.user(*ann), encode_user(Suppressed(erased_at=1)))
    redis_client.set(KEYS.user(*bob), encode_user(refusing))
    linked = Linked(known=bob.digest, linked_at=1, received_at=1)
    redis_client.set(KEYS.user(*visitor), encode_user(linked))
    async with listening(Listener()) as tool, delivering(redis_url, tmp_path, a_receiver(tool)):
        of_visitor = a_firing(1, "v", shard=visitor.shard, digest=visitor.digest)
        queue(redis_client, of_visitor)
        fire(redis_client, a_firing(), a_firing(1, "bob"), of_visitor, a_firing(1, "carl"))
        await until(lambda: tool.got and not redis_client.xlen(KEYS.waiting("tool")))
    assert tool.ids() == ["carl-1"]


async def test_an_erasure_takes_messages_out_of_all_lists(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    async with (
        listening(Listener(answer=lambda _: 503)) as tool,
        delivering(redis_url, tmp_path, a_receiver(tool)),
    ):
        fire(redis_client, a_firing(1), a_firing(1, "bob"))
        await until(lambda: redis_client.xlen(KEYS.told()) == 2 and len(tool.got) >= 2)
        redis_client.sadd(KEYS.erased(), IDS.known("ann").digest)
        await until(lambda: redis_client.xlen(KEYS.told()) == 1)
        await until(lambda: redis_client.xlen(KEYS.waiting("tool")) == 1)
    [(_, fields)] = entries_of(redis_client, KEYS.waiting("tool"))
    assert fields[SUBJECT_FIELD] == IDS.known("bob").digest.encode()


async def test_a_full_queue_sets_aside_what_is_more(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    async with listening(Listener(wait=lambda _: 60.0)) as slow:
        tables = a_receiver(slow)
        async with delivering(redis_url, tmp_path, tables, max_waiting=2) as running:
            fire(redis_client, *(a_firing(n) for n in range(3)))
            await until(lambda: redis_client.xlen(KEYS.told()) == 3)
            fire(redis_client, *(a_firing(n) for n in range(3, 6)))
            await until(lambda: reasons(redis_client) == ["queue_full"] * 4)
            assert redis_client.xlen(KEYS.waiting("tool")) == 2
            await until(lambda: running.given_up("queue_full") == 4)


async def test_what_waits_for_a_receiver_that_is_taken_out_is_set_aside(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    async with (
        listening(Listener(answer=lambda _: 503)) as tool,
        delivering(redis_url, tmp_path, a_receiver(tool)) as running,
    ):
        fire(redis_client, a_firing(1))
        await until(lambda: tool.got)
        running.file.write_text("", encoding="utf-8")
        await until(lambda: reasons(redis_client) == ["no_receiver"])
        await until(lambda: running.given_up("no_receiver") == 1)
        await until(lambda: not state_of(redis_client, "tool").is_in_force)
        running.file.write_text(a_receiver(tool), encoding="utf-8")
        await until(lambda: state_of(redis_client, "tool").is_in_force)
    [(_, fields)] = entries_of(redis_client, KEYS.undelivered("tool"))
    assert decode_told(fields[TOLD_FIELD]).told_id == "ann-1"
    assert not redis_client.exists(KEYS.waiting("tool"))


async def test_a_second_deliverer_stands_by_and_takes_over(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    async with (
        listening(Listener()) as tool,
        delivering(redis_url, tmp_path, a_receiver(tool), name="one") as one,
    ):
        await until(lambda: redis_client.get(KEYS.delivering()) == b"one")
        async with delivering(redis_url, tmp_path, a_receiver(tool), name="two"):
            fire(redis_client, a_firing(1))
            await until(lambda: tool.got)
            assert redis_client.get(KEYS.delivering()) == b"one"
            one.deliverer.stop()
            await until(lambda: redis_client.get(KEYS.delivering()) == b"two")
            fire(redis_client, a_firing(2))
            await until(lambda: len(tool.got) == 2)
    assert tool.ids() == ["ann-1", "ann-2"]


async def test_a_file_with_mistakes_changes_nothing(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    async with (
        listening(Listener()) as tool,
        delivering(redis_url, tmp_path, a_receiver(tool)) as running,
    ):
        await until(lambda: redis_client.hexists(KEYS.receivers(), "tool"))
        running.file.write_text('[receivers.tool]\nurl = "ftp://x"\n', encoding="utf-8")
        await until(lambda: running.metric("shopkeeper_receivers_refused") == 1)
        fire(redis_client, a_firing(1))
        await until(lambda: tool.got)


async def test_nobody_is_told_before_the_receivers_are_known(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    fire(redis_client, a_firing(1))
    async with (
        listening(Listener()) as tool,
        delivering(redis_url, tmp_path, "receivers = 3") as running,
    ):
        await until(lambda: running.metric("shopkeeper_receivers_refused") == 1)
        await asyncio.sleep(0.5)
        assert not redis_client.exists(KEYS.told())
        running.file.write_text(a_receiver(tool), encoding="utf-8")
        await until(lambda: tool.got)


async def test_all_that_waits_for_a_receiver_taken_out_is_kept(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    n_messages = MAX_UNDELIVERED + 500
    queue(redis_client, *(a_firing(n) for n in range(n_messages)))
    redis_client.hset(KEYS.receivers(), "tool", encode_state(ReceiverState()))
    async with delivering(redis_url, tmp_path, "", max_waiting=n_messages) as running:
        await until(lambda: running.given_up("no_receiver") == n_messages)
    assert redis_client.xlen(KEYS.undelivered("tool")) == n_messages


async def test_what_may_be_given_up_is_seen_before_anything_is(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    async with (
        listening(Listener()) as tool,
        delivering(redis_url, tmp_path, a_receiver(tool)) as running,
    ):
        await until(lambda: redis_client.hexists(KEYS.receivers(), "tool"))
        await until(lambda: running.given_up("tried_enough") == 0)


async def test_an_erasure_that_takes_long_holds_up_nobody(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    may_end, has_begun = asyncio.Event(), asyncio.Event()
    client: Any = connect(redis_url)
    xrange = client.xrange

    async def slow(name: str, *arguments: Any, **more: Any) -> Any:
        if name == KEYS.told():
            has_begun.set()
            await may_end.wait()
        return await xrange(name, *arguments, **more)

    client.xrange = slow
    redis_client.sadd(KEYS.erased(), IDS.known("bob").digest)
    async with (
        listening(Listener()) as tool,
        delivering(redis_url, tmp_path, a_receiver(tool), client=client),
    ):
        try:
            await until(has_begun.is_set)
            fire(redis_client, a_firing())
            await until(lambda: tool.got)
        finally:
            may_end.set()


async def test_a_letter_says_what_the_last_try_of_its_own_message_came_to(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    answers = {"ann-1": 400, "bob-1": 204}
    async with listening(Listener(answer=lambda hook: answers[hook.told_id])) as tool:
        [first, _] = queue(redis_client, a_firing(expires_at=NOW + 60_000), a_firing(1, "bob"))
        clock = [NOW]
        tables = a_receiver(tool, at_once=1)
        async with delivering(redis_url, tmp_path, tables, clock_ms=lambda: clock[0]):
            await until(lambda: tool.ids() == ["ann-1", "bob-1"])
            await until(lambda: redis_client.hexists(KEYS.tries("tool"), first))
        clock[0] = NOW + 120_000
        async with delivering(redis_url, tmp_path, tables, clock_ms=lambda: clock[0]):
            await until(lambda: reasons(redis_client) == ["expired"])
    assert letters(redis_client)[0].last == "refused 400"


async def test_what_is_due_again_goes_before_what_came_later(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    entries = queue(redis_client, a_firing(1, "new"), a_firing(1, "tried"))
    first_ms = int(entries[0].partition("-")[0])
    fields: Any = {entries[1]: json.dumps([1, 1, first_ms - 1000])}
    redis_client.hset(KEYS.tries("tool"), mapping=fields)
    async with (
        listening(Listener()) as tool,
        delivering(redis_url, tmp_path, a_receiver(tool, at_once=1)),
    ):
        await until(lambda: len(tool.got) == 2)
    assert tool.ids() == ["tried-1", "new-1"]


async def test_tries_that_cannot_be_read_count_as_none(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    [entry] = queue(redis_client, a_firing())
    redis_client.hset(KEYS.tries("tool"), entry, "what?")
    async with listening(Listener()) as tool, delivering(redis_url, tmp_path, a_receiver(tool)):
        await until(lambda: tool.got)


async def test_a_stop_that_cannot_be_read_is_one(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    redis_client.hset(KEYS.stopped(), "tool", "what?")
    async with listening(Listener()) as tool, delivering(redis_url, tmp_path, a_receiver(tool)):
        fire(redis_client, a_firing())
        await until(lambda: reasons(redis_client) == ["gone"])
    assert not tool.got


async def test_how_far_it_was_told_is_never_guessed(
    redis_url: str, redis_client: redis.Redis
) -> None:
    redis_client.set(KEYS.told_commit(), "what?")
    async with connect(redis_url) as client:
        with pytest.raises(InvalidCommit, match="run the version that wrote it"):
            await Outboxes(client, KEYS, IDS.n_shards).load()

"""What a deliverer does beside delivering: trims what is old, writes down how receivers stand."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis

from config.keys import DEAD_LETTER_AGE_MS, TRIGGER_AGE_MS, Keys
from config.receiver_states import ReceiverState, encode_state
from config.told import TOLD_FIELD, InvalidTold, Letter, Reason, Told, decode_told
from delivery.courier import Terms
from delivery.queues import PAGE, set_aside


async def trim(client: Redis, keys: Keys, receivers: Sequence[str], now_ms: int) -> None:
    """Drop what was told, and what was given up, that is older than its age."""
    async with client.pipeline(transaction=False) as pipe:
        pipe.xtrim(keys.told(), minid=max(now_ms - TRIGGER_AGE_MS, 0), approximate=False)
        for name in receivers:
            oldest = max(now_ms - DEAD_LETTER_AGE_MS, 0)
            pipe.xtrim(keys.undelivered(name), minid=oldest, approximate=False)
        await pipe.execute()


async def known_receivers(client: Redis, keys: Keys) -> list[str]:
    """Return the receivers that have lists in Redis, whether they are in force or not."""
    names: Any = await client.hkeys(keys.receivers())
    return [name.decode() for name in names]


async def write_states(client: Redis, keys: Keys, states: dict[str, ReceiverState]) -> None:
    """Write down how receivers stand."""
    if states:
        fields: Any = {name: encode_state(state) for name, state in states.items()}
        await client.hset(keys.receivers(), mapping=fields)


async def clear_away(client: Redis, keys: Keys, receiver: str, terms: Terms) -> None:
    """Set aside what waits for a receiver that is no longer in the file.

    It is forgotten once nothing is left of what was set aside.
    """
    while True:
        entries: Any = await client.xrange(keys.waiting(receiver), count=PAGE)
        if not entries:
            break
        letter = Letter(Reason.NO_RECEIVER, 0, terms.clock_ms())
        found: list[Told] = []
        async with client.pipeline(transaction=True) as pipe:
            for name, fields in entries:
                with suppress(InvalidTold):
                    found.append(decode_told(fields.get(TOLD_FIELD, b"")))
                pipe.xdel(keys.waiting(receiver), name)
            for told in found:
                set_aside(pipe, keys.undelivered(receiver), told, letter, terms.max_undelivered)
            await pipe.execute()
        for told in found:
            terms.metrics.gave_up(receiver, told.trigger, letter.reason)
    is_empty = not await client.xlen(keys.undelivered(receiver))
    async with client.pipeline(transaction=True) as pipe:
        pipe.delete(keys.waiting(receiver), keys.tries(receiver))
        pipe.hdel(keys.stopped(), receiver)
        if is_empty:
            pipe.delete(keys.undelivered(receiver))
            pipe.hdel(keys.receivers(), receiver)
        else:
            pipe.hset(keys.receivers(), receiver, encode_state(ReceiverState(is_in_force=False)))
        await pipe.execute()

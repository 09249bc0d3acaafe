"""Messages that were given up: listed, and put back into the queues of their receivers."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import redis
from msgspec.structs import replace

from config.keys import Keys
from config.told import (
    LETTER_FIELD,
    TOLD_FIELD,
    InvalidTold,
    Letter,
    Told,
    decode_letter,
    decode_told,
    told_fields,
)
from delivery.queues import PAGE
from delivery.schedule import LONGEST_MS


class Undelivered(NamedTuple):
    """A message that a receiver did not get, its entry, and why."""

    receiver: str
    entry_id: str
    told: Told
    letter: Letter


def undelivered(client: redis.Redis, keys: Keys, receivers: Sequence[str]) -> Iterator[Undelivered]:
    """Yield what was given up, oldest first for each receiver."""
    for receiver in receivers:
        after = "-"
        while True:
            entries: Any = client.xrange(keys.undelivered(receiver), after, count=PAGE)
            for name, fields in entries:
                try:
                    told = decode_told(fields.get(TOLD_FIELD, b""))
                    letter = decode_letter(fields.get(LETTER_FIELD, b""))
                except InvalidTold:
                    continue
                yield Undelivered(receiver, name.decode(), told, letter)
            if len(entries) < PAGE:
                break
            after = f"({entries[-1][0].decode()}"


def resend(
    client: redis.Redis,
    keys: Keys,
    receivers: Sequence[str],
    told_ids: Collection[str] | None,
    now_ms: int,
) -> int:
    """Put messages back, all of them without ids, and let their receivers be sent to again.

    They keep their ids and their bytes, and are worth telling as long as they are tried. Return how
    many there were.
    """
    found = [
        one
        for one in undelivered(client, keys, receivers)
        if told_ids is None or one.told.told_id in told_ids
    ]
    for one in found:
        fields: Any = told_fields(replace(one.told, expires_at=now_ms + LONGEST_MS))
        with client.pipeline(transaction=True) as pipe:
            pipe.xadd(keys.waiting(one.receiver), fields)
            pipe.xdel(keys.undelivered(one.receiver), one.entry_id)
            pipe.hdel(keys.stopped(), one.receiver)
            pipe.execute()
    return len(found)

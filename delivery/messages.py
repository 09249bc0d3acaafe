"""What is told of a firing: one JSON body, the same for all receivers and all tries. Pure."""

from datetime import UTC, datetime

import msgspec

from config.errors import ShopkeeperError
from config.fired import Fired
from config.told import Told

EVENT_TYPE = "trigger.fired"  # in the words of Standard Webhooks: what happened
MAX_ID = 128


class _Data(msgspec.Struct, rename="camel"):
    id: str
    trigger: str
    why: str
    channel: str
    user_id: str | None
    anonymous_id: str | None
    due_at: str
    fired_at: str
    expires_at: str
    product_ids: list[str]
    facts: dict[str, str | float | int | bool]
    decision: msgspec.Raw | None


class _Body(msgspec.Struct):
    type: str
    timestamp: str
    data: _Data


class UntellableFiring(ShopkeeperError):
    """A firing whose id cannot go into a header."""


_encode = msgspec.json.Encoder().encode


def message_of(fired: Fired, decision: bytes | None) -> Told:
    """Return the message; ``decision`` is the answer of ``/v1/personalize``, if one was made.

    Raises:
        UntellableFiring: its id is no short plain text.
    """
    told_id = fired.firing_id
    if not (0 < len(told_id) <= MAX_ID and told_id.isascii() and told_id.isprintable()):
        raise UntellableFiring(f"firing id {told_id[:MAX_ID]!r}: 1 to {MAX_ID} ASCII letters")
    data = _Data(
        id=told_id,
        trigger=fired.trigger,
        why=fired.why,
        channel=fired.channel,
        user_id=fired.user_id,
        anonymous_id=fired.anonymous_id,
        due_at=_time(fired.due_at),
        fired_at=_time(fired.fired_at),
        expires_at=_time(fired.expires_at),
        product_ids=fired.product_ids,
        facts=fired.facts,
        decision=None if decision is None else msgspec.Raw(decision),
    )
    body = _encode(_Body(EVENT_TYPE, data.fired_at, data))
    return Told(
        told_id, fired.trigger, fired.channel, fired.shard, fired.digest, fired.expires_at, body
    )


def _time(ms: int) -> str:
    """Return a time in the words of RFC 3339, in UTC.

    >>> _time(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    ms = min(max(ms, 0), 253_402_300_799_000)  # the year 9999 is far enough
    at = datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
    return f"{at.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"

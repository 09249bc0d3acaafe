"""Pure: when an event happened, from what a client says about its own clock. Milliseconds, UTC.

The rule is Segment's: a client's clock may be wrong, but its two stamps are wrong alike, so that
``receivedAt - (sentAt - originalTimestamp)`` cancels the error. See
https://segment.com/docs/connections/spec/common/#timestamps.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from config.events import InvalidEvent, Reason

MAX_AHEAD_MS = 5 * 60 * 1000
MAX_BEHIND_MS = 7 * 24 * 60 * 60 * 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST_MS = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // _MILLISECOND


class EventTime(NamedTuple):
    """When an event happened and when it came in; ``clamped`` where the client's word was cut."""

    occurred_at: int
    received_at: int
    clamped: bool = False


def settle_times(
    fields: Mapping[str, Any],
    sent_at: object,
    now_ms: int,
    *,
    trusted: bool,
    imports: bool = False,
) -> EventTime:
    """Return an event's times; ``sent_at`` is the batch's, used where the event has none.

    With ``trusted`` (a secret key) ``occurred_at`` may lie as far back as it likes. With
    ``imports`` the event's own ``receivedAt`` stands, though never in the future; of a live event
    it does not count, for it would set the shard's clock.

    Raises:
        InvalidEvent: one of the times cannot be read.
    """
    own = parse_time(fields.get("receivedAt"), "receivedAt") if imports else None
    received_at = now_ms if own is None else min(own, now_ms)
    claimed = _claimed(fields, sent_at, received_at)
    if claimed is None:
        claimed = received_at
    earliest = 0 if trusted else received_at - MAX_BEHIND_MS
    occurred_at = max(earliest, min(claimed, received_at + MAX_AHEAD_MS))
    clamped = occurred_at != claimed or (own is not None and own != received_at)
    return EventTime(occurred_at, received_at, clamped)


def _claimed(fields: Mapping[str, Any], sent_at: object, received_at: int) -> int | None:
    timestamp = parse_time(fields.get("timestamp"), "timestamp")
    original = parse_time(fields.get("originalTimestamp"), "originalTimestamp")
    if original is None:
        original = timestamp
    if original is None:
        return None
    own = fields.get("sentAt")
    sent = parse_time(sent_at if own is None else own, "sentAt")
    if sent is None:
        return original if timestamp is None else timestamp
    return received_at - (sent - original)


def parse_time(value: object, field: str) -> int | None:
    """Return milliseconds since the epoch from ISO 8601 or from such milliseconds; None for None.

    A time without a zone is UTC.

    >>> parse_time("2024-05-01T12:00:00.250+02:00", "timestamp")
    1714557600250
    >>> parse_time("2024-05-01T10:00:00.250", "timestamp")
    1714557600250

    Raises:
        InvalidEvent: it is no time, or lies before 1970 or after 9999.
    """
    if value is None:
        return None
    moment = _as_ms(value)
    if moment is None or not 0 <= moment <= _LATEST_MS:
        raise InvalidEvent(
            Reason.BAD_TIME, f"{field}: ISO 8601 or milliseconds from 1970 to 9999 are allowed"
        )
    return moment


def _as_ms(value: object) -> int | None:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - _EPOCH) // _MILLISECOND
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    return None

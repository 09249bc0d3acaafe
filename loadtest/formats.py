"""Real event files as Segment events, in the order of time, then line. Opens no file itself.

``taobao815``: user, item, category, behaviour, epoch seconds, without a header. ``rees46``: the
header names the columns. ``segment``: one Segment call a line as JSON (NDJSON).
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

import orjson

SegmentEvent = dict[str, Any]

_TAOBAO_NAMES = {
    "pv": "Product Viewed",
    "cart": "Product Added",
    "fav": "Product Added to Wishlist",
    "buy": "Order Completed",
}
_REES46_NAMES = {"view": "Product Viewed", "cart": "Product Added", "purchase": "Order Completed"}
_LATEST_MS = 4_102_444_800_000  # the year 2100: a later time is milliseconds taken for seconds
_TIME_FIELDS = ("receivedAt", "timestamp", "originalTimestamp")


class Format(StrEnum):
    """The file formats that can be replayed."""

    SEGMENT = "segment"
    TAOBAO815 = "taobao815"
    REES46 = "rees46"


class Timed(NamedTuple):
    """A Segment event, the time (ms) and the line (from 1) that order it."""

    at_ms: int
    line: int
    event: SegmentEvent


class Unreadable(NamedTuple):
    """A line that could not be read, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file held: events in the order of time, then line, and what could not be read."""

    events: list[Timed]
    unreadable: list[Unreadable]


def read_events(lines: Iterable[bytes], fmt: Format, limit: int | None = None) -> Reading:
    """Read the first ``limit`` lines of a file into memory and sort their events.

    >>> reading = read_events([b"7,11,3,pv,1511544070", b"7,11"], Format.TAOBAO815)
    >>> reading.events[0].event["event"], reading.unreadable
    ('Product Viewed', [Unreadable(line=2, why='5 columns are needed, 2 found')])
    """
    events: list[Timed] = []
    unreadable: list[Unreadable] = []
    for item in _READERS[fmt](lines):
        (events if isinstance(item, Timed) else unreadable).append(item)  # type: ignore[arg-type]
        if limit is not None and len(events) + len(unreadable) >= limit:
            break
    events.sort(key=lambda timed: (timed.at_ms, timed.line))
    return Reading(events, unreadable)


def guess_format(name: str) -> Format | None:
    """Return the format that a file's name tells, None where it tells none.

    >>> guess_format("rees46_sample.csv.gz"), guess_format("events.ndjson"), guess_format("a.csv")
    (<Format.REES46: 'rees46'>, <Format.SEGMENT: 'segment'>, None)
    """
    if name.removesuffix(".gz").endswith((".ndjson", ".jsonl")):
        return Format.SEGMENT
    return next((fmt for fmt in Format if fmt in name), None)


def iso_time(at_ms: int) -> str:
    """Return a time as Segment's libraries write it.

    >>> iso_time(1_511_544_070_000)
    '2017-11-24T17:21:10.000Z'
    """
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def read_taobao815(lines: Iterable[bytes]) -> Iterator[Timed | Unreadable]:
    """Yield the events of a ``taobao815`` file in the order of its lines."""
    for number, line in enumerate(lines, start=1):
        yield _or_why(_taobao815_event, number, line)


def read_rees46(lines: Iterable[bytes]) -> Iterator[Timed | Unreadable]:
    """Yield the events of a ``rees46`` file in the order of its lines; the header is line 1."""
    header: list[str] = []
    for number, line in enumerate(lines, start=1):
        if number == 1:
            header = line.decode(errors="replace").strip().split(",")
        else:
            yield _or_why(partial(_rees46_event, header), number, line)


def read_segment(lines: Iterable[bytes]) -> Iterator[Timed | Unreadable]:
    """Yield the events of a Segment NDJSON file, ordered by ``receivedAt``, else ``timestamp``.

    An event without a ``messageId`` gets ``segment-<line>``; empty lines are passed over.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _or_why(_segment_event, number, line)


_READERS: dict[Format, Callable[[Iterable[bytes]], Iterator[Timed | Unreadable]]] = {
    Format.SEGMENT: read_segment,
    Format.TAOBAO815: read_taobao815,
    Format.REES46: read_rees46,
}


def _or_why(read: Callable[[int, bytes], Timed], number: int, line: bytes) -> Timed | Unreadable:
    try:
        return read(number, line)
    except KeyError as error:
        return Unreadable(number, f"column {error} is missing")
    except (ValueError, csv.Error) as error:
        return Unreadable(number, str(error))


def _taobao815_event(number: int, line: bytes) -> Timed:
    columns = line.decode().strip().split(",")
    if len(columns) != 5:
        raise ValueError(f"5 columns are needed, {len(columns)} found")
    user, item, category, behaviour, seconds = columns
    act = _Act(_filled(user, "user"), _named(_TAOBAO_NAMES, behaviour), int(seconds) * 1000)
    product = {"product_id": _filled(item, "item"), "category": category}
    return _shop_event(f"{Format.TAOBAO815}-{number}", number, act, product)


def _rees46_event(header: list[str], number: int, line: bytes) -> Timed:
    row = dict(zip(header, next(csv.reader([line.decode()])), strict=False))
    at = datetime.strptime(row["event_time"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    user = _filled(row["user_id"], "user_id")
    act = _Act(user, _named(_REES46_NAMES, row["event_type"]), int(at.timestamp()) * 1000)
    product = {
        "product_id": _filled(row["product_id"], "product_id"),
        "category": row["category_code"] or row["category_id"],
        "brand": row["brand"],
        "price": float(row["price"]) if row["price"] else None,
    }
    known = {name: value for name, value in product.items() if value not in ("", None)}
    return _shop_event(f"{Format.REES46}-{number}", number, act, known)


def _segment_event(number: int, line: bytes) -> Timed:
    event = orjson.loads(line)
    if not isinstance(event, dict):
        raise ValueError("an object is needed")  # noqa: TRY004 -- a value of the file, not of ours
    at_ms = _segment_time_ms(event)
    event.setdefault("messageId", f"{Format.SEGMENT}-{number}")
    event.setdefault("receivedAt", iso_time(at_ms))
    return Timed(at_ms, number, event)


class _Act(NamedTuple):
    """Who did what, and when (ms)."""

    user: str
    name: str
    at_ms: int


def _shop_event(message_id: str, line: int, act: _Act, product: dict[str, Any]) -> Timed:
    at = iso_time(_time_ms(act.at_ms))
    event: SegmentEvent = {
        "type": "track",
        "event": act.name,
        "messageId": message_id,
        "userId": act.user,
        "timestamp": at,
        "receivedAt": at,
    }
    if act.name == "Order Completed":
        order: dict[str, Any] = {"order_id": message_id}
        if "price" in product:
            order["revenue"] = product["price"]
        event["properties"] = order | {"products": [product | {"quantity": 1}]}
    else:
        event["properties"] = product | ({"quantity": 1} if act.name == "Product Added" else {})
    return Timed(act.at_ms, line, event)


def _segment_time_ms(event: SegmentEvent) -> int:
    for field in _TIME_FIELDS:
        text = event.get(field)
        if text is not None:
            at = datetime.fromisoformat(str(text))
            aware = at if at.tzinfo else at.replace(tzinfo=UTC)
            return _time_ms(round(aware.timestamp() * 1000))
    raise ValueError(f"a time is needed: {', '.join(_TIME_FIELDS)}")


def _time_ms(at_ms: int) -> int:
    if not 0 < at_ms < _LATEST_MS:
        raise ValueError(f"a time between 1970 and 2100 is needed, not {at_ms} ms")
    return at_ms


def _named(names: dict[str, str], behaviour: str) -> str:
    if behaviour not in names:
        raise ValueError(f"behaviour {behaviour!r}: {', '.join(names)} are known")
    return names[behaviour]


def _filled(text: str, column: str) -> str:
    if not text:
        raise ValueError(f"{column} is empty")
    return text

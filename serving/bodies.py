"""Pure: a request's bytes to the raw events in it, with every size counted before parsing."""

import re
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from config.events import InvalidEvent, Reason
from serving.refusals import Refusal, Refused
from serving.strict_json import parse_object

MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
MAX_BATCH_EVENTS = 2_500
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class RawBatch(NamedTuple):
    """A batch taken apart: what stands round the events, and each event's own bytes."""

    around: dict[str, Any]
    events: list[bytes]


def check_size(n_bytes: int, limit: int) -> None:
    """Refuse a body of more than ``limit`` bytes.

    Raises:
        Refused: it is larger.
    """
    if n_bytes > limit:
        raise Refused(Refusal.BODY_TOO_LARGE, f"at most {limit} bytes are allowed here")


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Return the body unpacked, stopping as soon as it grows beyond ``limit``.

    A body that starts like gzip is unpacked whatever the header says, because ``sendBeacon`` cannot
    set one and no JSON starts so.

    Raises:
        Refused: the encoding is unknown, the gzip is damaged, or the content is too large.
    """
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise Refused(Refusal.UNKNOWN_ENCODING, "gzip and identity are allowed")
    if not body.startswith(_GZIP_MAGIC):
        if encoding in ("gzip", "x-gzip"):
            raise Refused(Refusal.BAD_GZIP, "the body is no gzip")
        return body
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise Refused(Refusal.BAD_GZIP, "the gzip is damaged") from error
    check_size(len(content), limit)
    if not unpacker.eof or unpacker.unused_data:
        raise Refused(Refusal.BAD_GZIP, "the gzip is cut off, or something follows it")
    return content


def split_batch(body: bytes) -> RawBatch:
    """Take a batch apart without reading its events, so that a bad one harms no neighbour.

    Raises:
        InvalidEvent: what stands round the events is no strict JSON.
        Refused: there is no list named ``batch``, or it holds too many events.
    """
    raw = _find_batch(body)
    if raw is None:
        parse_object(body)
        raise Refused(Refusal.NO_BATCH, "a list named batch is needed")
    # The rest is read by the strict reader, to which a second "batch" is a key named twice.
    start = _start_of(raw, body)
    around = parse_object(b"null".join((body[:start], body[start + len(raw) :])))
    events = _split_list(raw)
    if len(events) > MAX_BATCH_EVENTS:
        raise Refused(Refusal.TOO_MANY_EVENTS, f"at most {MAX_BATCH_EVENTS} events are allowed")
    return RawBatch(around, events)


class _Envelope(msgspec.Struct):
    batch: msgspec.Raw = msgspec.Raw(b"")


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])


def _find_batch(body: bytes) -> bytes | None:
    try:
        raw = bytes(_envelope_decoder.decode(body).batch)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        # One event may nest too deep or hold a NaN; brackets still say where each ends.
        span = _find_batch_by_brackets(body)
        raw = body[span] if span else b""
    return raw if raw.startswith(b"[") else None


def _start_of(raw: bytes, body: bytes) -> int:
    """Return where the batch stands; equal bytes may stand elsewhere, such as two empty lists."""
    start = body.find(raw)
    if body.find(raw, start + 1) < 0:
        return start
    span = _find_batch_by_brackets(body)
    return span.start if span and body[span] == raw else start


def _split_list(raw: bytes) -> list[bytes]:
    try:
        return [bytes(item) for item in _list_decoder.decode(raw)]
    except (msgspec.MsgspecError, RecursionError):
        return [item.strip() for item in _split_by_brackets(raw)]


# Leads to the next bracket or comma; texts are skipped whole, as brackets in them do not count.
_TO_NEXT_MARK = re.compile(
    rb'[^\[\]{},"]*+(?:"(?:[^"\\]++|\\.)*+"[^\[\]{},"]*+)*+([\[\]{},])', re.S
)
_MAX_MARKS = 100_000  # an honest batch of 500 KiB has half of that; more would only cost time
_BATCH_NAME = re.compile(rb'"batch"\s*:\s*\Z')


def _marks(text: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield start and end of what leads to each bracket or comma, and the mark itself."""
    position = 0
    for _ in range(_MAX_MARKS):
        found = _TO_NEXT_MARK.match(text, position)
        if found is None:
            return
        yield position, found.end(), found.group(1)
        position = found.end()


def _find_batch_by_brackets(body: bytes) -> slice | None:
    depth = 0
    start: int | None = None
    for begin, end, mark in _marks(body):
        if mark in b"[{":
            if depth == 1 and start is None and _BATCH_NAME.search(body[begin : end - 1]):
                start = end - 1
            depth += 1
        elif mark in b"]}":
            depth -= 1
            if depth == 1 and start is not None:
                return slice(start, end)
    return None


def _split_by_brackets(raw: bytes) -> list[bytes]:
    depth, start = 0, 1
    items: list[bytes] = []
    for _begin, end, mark in _marks(raw):
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
        if depth == 0 or (depth == 1 and mark == b","):
            items.append(raw[start : end - 1])
            start = end
    return items


def check_event_size(raw: bytes) -> None:
    """Refuse an event of more than 32 KiB.

    Raises:
        InvalidEvent: it is larger.
    """
    if len(raw) > MAX_EVENT_BYTES:
        raise InvalidEvent(Reason.TOO_LARGE, f"at most {MAX_EVENT_BYTES} bytes are allowed")

"""Whatever is sent, the reading core gives an event or a reason, and never raises anything else."""

import json
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.events import InvalidEvent, decode_entry
from serving.bodies import decompress, split_batch
from serving.reading import Accepted, Rejected
from serving.refusals import Refused
from tests.serving.builders import TRUSTED, an_event, read

FIELDS = (*an_event(), "anonymousId", "previousId", "groupId", "traits", "context", "timestamp")
# Half surrogate pairs and NUL, too.
TEXTS = st.text(
    st.characters(exclude_categories=()), max_size=20
)  # half surrogate pairs and NUL, too
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)
EVENTS = st.builds(
    lambda changes: an_event(**changes), st.dictionaries(st.sampled_from(FIELDS), VALUES)
)


# No time bar: the machine may be busy.
unhurried = settings(deadline=None)


def check(read_: Accepted | Rejected) -> None:
    if isinstance(read_, Accepted):
        assert decode_entry(read_.payload) == read_.entry
    else:
        assert read_.error.detail


@unhurried
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf{}")
def test_any_bytes_are_an_event_or_a_reason(raw: bytes) -> None:
    check(read(raw))


@unhurried
@given(EVENTS)
def test_any_field_of_an_event_may_be_anything(fields: dict[str, Any]) -> None:
    check(read(fields))
    check(read(fields, kind="alias", caller=TRUSTED))


@unhurried
@given(EVENTS, st.integers(0, 400), st.binary(max_size=5))
def test_an_event_may_be_damaged_anywhere(fields: dict[str, Any], at: int, put: bytes) -> None:
    raw = json.dumps(fields).encode()
    check(read(raw[:at] + put + raw[at + len(put) :]))


@unhurried
@given(st.binary(max_size=200) | st.binary(max_size=50).map(lambda b: b"\x1f\x8b\x08" + b))
def test_any_bytes_are_a_batch_or_a_reason(body: bytes) -> None:
    with suppress(Refused, InvalidEvent):
        split_batch(decompress(body, "", 1_000))


@unhurried
@given(st.lists(EVENTS, max_size=3), st.integers(0, 800), st.binary(max_size=5))
def test_a_batch_may_be_damaged_anywhere(events: list[dict[str, Any]], at: int, put: bytes) -> None:
    body = json.dumps({"context": {}, "batch": events}).encode()
    with suppress(Refused, InvalidEvent):
        for raw in split_batch(body[:at] + put + body[at + len(put) :]).events:
            check(read(raw))


@unhurried
@given(st.lists(EVENTS, min_size=1, max_size=3))
def test_events_are_taken_apart_where_a_neighbour_is_bad_as_where_none_is(
    events: list[dict[str, Any]],
) -> None:
    good = [msgspec.json.encode(msgspec.json.decode(_strict(event))) for event in events]
    alone = split_batch(b'{"batch":[' + b",".join(good) + b"]}").events
    beside_bad = split_batch(b'{"batch":[' + b",".join([*good, b"NaN"]) + b"]}").events
    assert beside_bad == [*alone, b"NaN"]


def _strict(event: dict[str, Any]) -> bytes:
    """Return an event as strict JSON: what only Python writes is taken out."""
    text = json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")
    for python_only in (b"NaN", b"-Infinity", b"Infinity"):
        text = text.replace(python_only, b"0")
    return text

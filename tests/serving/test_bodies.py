import gzip
import json
from typing import Any

import pytest

from config.events import InvalidEvent, Reason
from serving.bodies import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, decompress, split_batch
from serving.refusals import Refusal, Refused


def reason_of_decompress(body: bytes, encoding: str) -> str:
    with pytest.raises(Refused) as caught:
        decompress(body, encoding, MAX_BATCH_BYTES)
    return caught.value.reason


def test_gzip_is_unpacked() -> None:
    assert decompress(gzip.compress(b"{}"), "gzip", 100) == b"{}"


def test_gzip_is_unpacked_although_no_header_says_so() -> None:
    assert decompress(gzip.compress(b"{}"), "", 100) == b"{}"


def test_a_gzip_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzip.compress(b"0" * 20_000_000)
    assert reason_of_decompress(bomb, "gzip") == Refusal.BODY_TOO_LARGE


@pytest.mark.parametrize(
    ("body", "encoding", "reason"),
    [
        (b"{}", "gzip", Refusal.BAD_GZIP),
        (b"\x1f\x8b\x08", "gzip", Refusal.BAD_GZIP),
        (gzip.compress(b"{}")[:-1], "gzip", Refusal.BAD_GZIP),
        (gzip.compress(b"{}") + b"x", "gzip", Refusal.BAD_GZIP),
        (gzip.compress(b"{}")[:10] + b"\xff" * 9, "gzip", Refusal.BAD_GZIP),
        (b"{}", "br", Refusal.UNKNOWN_ENCODING),
    ],
)
def test_what_cannot_be_unpacked_is_named(body: bytes, encoding: str, reason: str) -> None:
    assert reason_of_decompress(body, encoding) == reason


def test_a_batch_is_its_events_and_what_stands_around_them() -> None:
    body = b' { "sentAt" : "now", "batch" : [ {"a":1} , {"b":[2]} ], "context":{} } '
    batch = split_batch(body)
    assert batch.events == [b'{"a":1}', b'{"b":[2]}']
    assert batch.around == {"sentAt": "now", "batch": None, "context": {}}


@pytest.mark.parametrize(
    "bad", [b'{"a":NaN}', b"[" * 5_000 + b"]" * 5_000, b"nonsense", b'{"a":"\xff"}', b""]
)
def test_a_bad_event_leaves_its_neighbours_whole(bad: bytes) -> None:
    good = b'{"text":"a ] in \\" a [ text,","n":[1,{"m":2}]}'
    body = b'{"x":[{"batch":[1]}],"batch":[' + b",".join([good, bad, good]) + b'],"sentAt":5}'
    batch = split_batch(body)
    assert batch.events == [good, bad, good]
    assert batch.around["sentAt"] == 5


def test_equal_lists_beside_the_batch_stay_what_they_are() -> None:
    for batch in (b"[]", b'[{"a":1}]'):
        body = b'{"context":{"lists":%s,"batch":%s},"batch": %s,"x":%s}' % ((batch,) * 4)
        equal = json.loads(batch)
        assert split_batch(body).around == {
            "context": {"lists": equal, "batch": equal},
            "batch": None,
            "x": equal,
        }


@pytest.mark.parametrize("body", [b"{}", b'{"batch":{}}', b'{"batch":null}', b'{"batch":5}'])
def test_a_body_without_a_list_is_no_batch(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        split_batch(body)
    assert caught.value.reason == Refusal.NO_BATCH


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.BAD_JSON),
        (b'{"batch":[', Reason.BAD_JSON),
        (b'{"batch":[]', Reason.BAD_JSON),
        (b"[]", Reason.NOT_AN_OBJECT),
        (b'{"batch":[1],"batch":[2]}', Reason.DUPLICATE_KEY),
        (b'{"sentAt":1,"batch":[],"sentAt":2}', Reason.DUPLICATE_KEY),
        (b'{"sentAt":NaN,"batch":[]}', Reason.NOT_FINITE),
        (b"[" * MAX_BATCH_BYTES, Reason.TOO_DEEP),
    ],
)
def test_what_is_wrong_around_the_events_is_named(body: bytes, reason: Reason) -> None:
    with pytest.raises(InvalidEvent) as caught:
        split_batch(body)
    assert caught.value.reason == reason


def test_a_batch_may_hold_2500_events_and_not_one_more() -> None:
    def batch_of(n_events: int) -> Any:
        return split_batch(json.dumps({"batch": [1] * n_events}).encode())

    assert len(batch_of(MAX_BATCH_EVENTS).events) == MAX_BATCH_EVENTS
    with pytest.raises(Refused) as caught:
        batch_of(MAX_BATCH_EVENTS + 1)
    assert caught.value.reason == Refusal.TOO_MANY_EVENTS

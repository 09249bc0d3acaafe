import json
from dataclasses import replace
from typing import Any

import pytest

from config.events import EVENT_TYPES, Reason, decode_entry
from serving.bodies import MAX_EVENT_BYTES
from serving.reading import Accepted, Around
from tests.serving.builders import (
    DAY,
    HOUR,
    IDS,
    NOW,
    RULES,
    TRUSTED,
    accepted,
    an_event,
    read,
    refused,
    rejected,
)


def nested(levels: int) -> dict[str, Any]:
    """Return an object of so many levels."""
    innermost: dict[str, Any] = {}
    for _ in range(levels - 1):
        innermost = {"in": innermost}
    return innermost


def test_an_event_is_what_its_log_entry_decodes_to() -> None:
    event = read(an_event())
    assert isinstance(event, Accepted)
    assert decode_entry(event.payload) == event.entry


def test_an_event_goes_to_the_shard_of_its_user() -> None:
    event = read(an_event(anonymousId="cookie-1"))
    assert event.subject == IDS.known("ann")


def test_an_event_without_user_goes_to_the_shard_of_its_visitor() -> None:
    event = read(an_event(userId=None, anonymousId="cookie-1"))
    assert event.subject == IDS.anonymous("cookie-1")


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_user_id_is_none(blank: str) -> None:
    event = accepted(read(an_event(userId=blank, anonymousId="cookie-1")))
    assert event.user_id is None


def test_a_number_as_id_is_its_digits() -> None:
    assert accepted(read(an_event(userId=17))).user_id == "17"


@pytest.mark.parametrize(
    "raw_id", ['"a\\u0000b"', '"a\\ud800"', '"\\n"', "true", "1.5", "[]", '"' + "x" * 257 + '"']
)
def test_an_unusable_id_is_named(raw_id: str) -> None:
    raw = f'{{"type":"page","userId":{raw_id}}}'.encode()
    assert rejected(read(raw)).error.reason == Reason.BAD_ID


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.BAD_JSON),
        (b"{", Reason.BAD_JSON),
        (b'{"a":"\xff"}', Reason.BAD_JSON),
        (b'{"a":"\x00"}', Reason.BAD_JSON),
        (b"[]", Reason.NOT_AN_OBJECT),
        (b"null", Reason.NOT_AN_OBJECT),
        (b'{"userId":"a","userId":"b"}', Reason.DUPLICATE_KEY),
        (b'{"a":{"b":1,"b":1}}', Reason.DUPLICATE_KEY),
        (b'{"a":NaN}', Reason.NOT_FINITE),
        (b'{"a":-Infinity}', Reason.NOT_FINITE),
        (b'{"a":1e999}', Reason.NOT_FINITE),
        (b'{"a":' + b"9" * 10_000 + b"}", Reason.NOT_FINITE),
        (b'{"a":18446744073709551616}', Reason.NOT_FINITE),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", Reason.TOO_DEEP),
        (b'{"a":"' + b"x" * MAX_EVENT_BYTES + b'"}', Reason.TOO_LARGE),
    ],
)
def test_a_body_that_is_no_strict_json_is_named(raw: bytes, reason: Reason) -> None:
    assert rejected(read(raw)).error.reason == reason


def test_an_event_may_have_32_kib_and_not_a_byte_more() -> None:
    shortest = len(json.dumps(an_event(pad="")))
    largest = an_event(pad="x" * (MAX_EVENT_BYTES - shortest))
    larger = an_event(pad="x" * (MAX_EVENT_BYTES - shortest + 1))
    accepted(read(largest))
    assert rejected(read(larger)).error.reason == Reason.TOO_LARGE


def test_an_event_may_have_32_levels_and_not_one_more() -> None:
    deepest = an_event(properties=nested(31), event="Seen")
    deeper = an_event(properties=nested(32), event="Seen")
    accepted(read(deepest))
    assert rejected(read(deeper)).error.reason == Reason.TOO_DEEP


def test_many_brackets_side_by_side_are_not_deep() -> None:
    accepted(read(an_event(event="Seen", properties={"all": [[]] * 100})))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": None}, Reason.BAD_TYPE),
        ({"type": "purchase"}, Reason.BAD_TYPE),
        ({"type": ["track"]}, Reason.BAD_TYPE),
        ({"userId": None}, Reason.NO_ID),
        ({"event": None}, Reason.NO_NAME),
        ({"event": ""}, Reason.NO_NAME),
        ({"event": 5}, Reason.BAD_FIELD),
        ({"event": "x" * 257}, Reason.BAD_FIELD),
        ({"properties": []}, Reason.BAD_FIELD),
        ({"properties": "none"}, Reason.BAD_FIELD),
        ({"properties": {}}, Reason.BAD_FIELD),
        ({"properties": {"product_id": "p", "price": "dear"}}, Reason.BAD_FIELD),
        ({"traits": 1}, Reason.BAD_FIELD),
        ({"context": "none"}, Reason.BAD_FIELD),
        ({"timestamp": "yesterday"}, Reason.BAD_TIME),
        ({"messageId": {}}, Reason.BAD_ID),
        ({"type": "alias"}, Reason.NO_ID),
        ({"type": "alias", "userId": None, "anonymousId": "c", "previousId": "b"}, Reason.NO_ID),
        ({"type": "group"}, Reason.NO_ID),
    ],
)
def test_what_is_wrong_with_an_event_is_named(changes: dict[str, Any], reason: Reason) -> None:
    assert rejected(read(an_event(**changes))).error.reason == reason


def test_half_a_surrogate_pair_in_a_text_is_a_bad_field() -> None:
    raw = b'{"type":"page","userId":"ann","messageId":"1","properties":{"title":"\\ud83d"}}'
    assert rejected(read(raw)).error.reason == Reason.BAD_FIELD


def test_half_a_surrogate_pair_is_a_bad_field_where_the_message_id_must_be_made_too() -> None:
    raw = b'{"type":"page","userId":"ann","properties":{"title":"\\ud83d"}}'
    assert rejected(read(raw)).error.reason == Reason.BAD_FIELD


def test_a_nul_in_a_text_that_is_no_id_passes() -> None:
    raw = b'{"type":"page","userId":"ann","properties":{"title":"a\\u0000b"}}'
    assert accepted(read(raw)).properties == {"title": "a\0b"}


def test_a_dead_letter_carries_the_bytes_and_whom_they_are_about() -> None:
    raw = json.dumps(an_event(event=None)).encode()
    letter = rejected(read(raw))
    assert (letter.raw, letter.subject, letter.message_id) == (raw, IDS.known("ann"), "message-1")


def test_a_dead_letter_of_a_too_large_event_is_cut() -> None:
    assert len(rejected(read(b'{"a":"' + b"x" * 100_000 + b'"}')).raw) == MAX_EVENT_BYTES


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_the_route_says_of_which_type_an_event_is(kind: Any) -> None:
    fields = an_event(type=None, previousId="old", groupId="club")
    assert accepted(read(fields, kind=kind)).type == kind


def test_without_message_id_a_retry_gets_the_same_one() -> None:
    first = an_event(messageId=None, sentAt="2024-05-01T10:00:00Z")
    again = an_event(messageId=None, sentAt="2024-05-01T10:00:09Z")
    assert accepted(read(first)).message_id == accepted(read(again)).message_id


@pytest.mark.parametrize("changes", [{"userId": "bob"}, {"event": "Seen"}, {"type": "page"}])
def test_without_message_id_another_event_gets_another_one(changes: dict[str, Any]) -> None:
    one, other = an_event(messageId=None), an_event(messageId=None, **changes)
    assert accepted(read(one)).message_id != accepted(read(other)).message_id


def test_without_message_id_another_key_gets_another_one() -> None:
    fields = an_event(messageId=None)
    by_public, by_trusted = read(fields), read(fields, caller=TRUSTED)
    assert accepted(by_public).message_id != accepted(by_trusted).message_id


def test_a_batch_says_its_context_under_that_of_each_event() -> None:
    around = Around({"locale": "de-DE", "timezone": "Europe/Berlin"})
    event = accepted(read(an_event(context={"locale": "fr-FR"}), around=around))
    assert event.context == {"locale": "fr-FR", "timezone": "Europe/Berlin"}


def test_the_log_does_not_keep_what_names_a_person_or_library() -> None:
    context = {
        "ip": "192.0.2.1",
        "library": {"name": "analytics.js"},
        "device": {"type": "phone", "id": "d-1", "advertisingId": "a-1"},
    }
    assert accepted(read(an_event(context=context))).context == {"device": {"type": "phone"}}


def test_traits_of_an_identify_may_stand_in_the_context() -> None:
    fields = an_event(
        type="identify", traits={"tier": "gold"}, context={"traits": {"tier": "tin", "age": 5}}
    )
    event = accepted(read(fields))
    assert (event.traits, event.context) == ({"tier": "gold", "age": 5}, {})


def consent(said: object, category: str = "personalization") -> dict[str, Any]:
    """Return the context of a visitor who said so."""
    return {"consent": {"categoryPreferences": {category: said}}}


@pytest.mark.parametrize("said", [False, "no", "true", 1, []])
def test_of_a_visitor_who_refused_only_that_is_kept(said: object) -> None:
    entry = refused(read(an_event(context=consent(said, "Personalization"))))
    assert entry.received_at == NOW


@pytest.mark.parametrize(
    "said",
    [False, "yes", "", 1, 0, [], {"categoryPreferences": "all"}, {"categoryPreferences": []}],
)
def test_consent_that_cannot_be_read_is_a_refusal(said: object) -> None:
    refused(read(an_event(context={"consent": said})))


def test_consent_may_be_literally_true() -> None:
    strict = replace(RULES, consent_required=True)
    event = accepted(read(an_event(context={"consent": True}), rules=strict))
    assert event.context == {"consent": True, "marketing": True}


@pytest.mark.parametrize(
    "context",
    [consent(True), consent(None), consent(False, "ads"), {"consent": None}, {"consent": {}}, {}],
)
def test_a_visitor_who_did_not_refuse_is_taken_in(context: dict[str, Any]) -> None:
    accepted(read(an_event(context=context)))


def test_where_consent_is_required_silence_is_a_refusal() -> None:
    strict = replace(RULES, consent_required=True)
    refused(read(an_event(), rules=strict))
    accepted(read(an_event(context=consent(True)), rules=strict))


def test_consent_of_a_batch_holds_for_its_events() -> None:
    refused(read(an_event(), around=Around(consent(False))))


def test_a_refusal_is_dated_although_its_time_cannot_be_read() -> None:
    entry = refused(read(an_event(context=consent(False), timestamp="yesterday")))
    assert entry.occurred_at == NOW


def test_of_a_visitor_who_refused_no_dead_letter_keeps_content() -> None:
    assert rejected(read(an_event(context=consent(False), userId=None))).raw == b""


@pytest.mark.parametrize("fields", [b"{", an_event(context=5)])
def test_where_consent_is_required_an_unreadable_event_leaves_no_content(
    fields: dict[str, Any] | bytes,
) -> None:
    strict = replace(RULES, consent_required=True)
    assert rejected(read(fields, rules=strict)).raw == b""


def test_a_public_key_cannot_say_when_its_event_came_in() -> None:
    event = accepted(read(an_event(receivedAt=NOW - 30 * DAY)))
    assert event.received_at == NOW


def test_an_import_says_when_its_event_came_in() -> None:
    sent = an_event(receivedAt=NOW - 30 * DAY, timestamp=NOW - 31 * DAY)
    event = accepted(read(sent, caller=TRUSTED, around=Around({}, imports=True)))
    assert (event.received_at, event.occurred_at) == (NOW - 30 * DAY, NOW - 31 * DAY)


@pytest.mark.parametrize("claim", [NOW - 30 * DAY, "nonsense"])
def test_a_live_event_came_in_now_whatever_a_forwarder_says(claim: object) -> None:
    assert accepted(read(an_event(receivedAt=claim), caller=TRUSTED)).received_at == NOW


def test_an_import_cannot_lie_in_the_future() -> None:
    importing = Around({}, imports=True)
    event = accepted(read(an_event(receivedAt=NOW + HOUR), caller=TRUSTED, around=importing))
    assert event.received_at == NOW


def test_consent_given_in_so_many_words_goes_with_the_event() -> None:
    given = accepted(read(an_event(context=consent(True))))
    silent = accepted(read(an_event(context=consent(None))))

    assert (given.context, silent.context) == ({"consent": True}, {})

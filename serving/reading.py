"""Pure: an event's bytes to a log entry, or to the reason why it cannot be one."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from config.commerce import check_commerce
from config.events import (
    EVENT_TYPES,
    ConsentRefused,
    Event,
    EventType,
    InvalidEvent,
    Reason,
    encode_entry,
)
from config.keys import Ids, Subject
from serving.access import Caller
from serving.bodies import MAX_EVENT_BYTES, check_event_size
from serving.consent import MARKETING, said_of_consent
from serving.fields import as_object, kept_context, read_id, read_name
from serving.strict_json import parse_object
from serving.times import EventTime, settle_times


@dataclass(frozen=True, slots=True)
class Rules:
    """What a shop has settled about its events."""

    ids: Ids
    consent_category: str
    consent_required: bool


class Around(NamedTuple):
    """What a batch says for all its events; empty for a single event.

    ``imports``: the events of the past keep the ``receivedAt`` that they bring.
    """

    context: Mapping[str, Any]
    sent_at: object = None
    imports: bool = False


class Accepted(NamedTuple):
    """An event that may enter the log of its subject's shard, ready encoded."""

    subject: Subject
    payload: bytes
    entry: Event | ConsentRefused
    type: str
    times: EventTime


class Rejected(NamedTuple):
    """An event that becomes a dead letter; ``raw`` is empty where the visitor refused consent."""

    error: InvalidEvent
    raw: bytes
    type: str = "unknown"
    message_id: str | None = None
    subject: Subject | None = None


def read_event(
    raw: bytes, kind: EventType | None, around: Around, caller: Caller, rules: Rules, now_ms: int
) -> Accepted | Rejected:
    """Return what becomes of one event; ``kind`` is the route's, None where the event names it."""
    try:
        check_event_size(raw)
        fields = parse_object(raw)
    except InvalidEvent as error:
        kept = b"" if rules.consent_required else raw[:MAX_EVENT_BYTES]
        return Rejected(error, kept, kind or "unknown")
    return read_fields(fields, raw, kind, around, caller, rules, now_ms)


def read_fields(
    fields: dict[str, Any],
    raw: bytes,
    kind: EventType | None,
    around: Around,
    caller: Caller,
    rules: Rules,
    now_ms: int,
) -> Accepted | Rejected:
    """Return what becomes of an event that is parsed already."""
    subject: Subject | None = None
    type_: EventType | None = kind
    granted = not rules.consent_required
    try:
        context = {**around.context, **as_object(fields, "context")}
        said = said_of_consent(context, rules.consent_category)
        granted = not rules.consent_required if said is None else said
        subject = _subject(rules.ids, fields)
        if not granted:
            return _refusal(fields, around, caller, subject, now_ms)
        type_ = kind or _read_type(fields)
        times = _times(fields, around, caller, now_ms)
        told = {"consent": said, "marketing": said_of_consent(context, MARKETING)}
        event = _event(fields, type_, context | told, times, caller)
        check_commerce(event)
        return Accepted(subject, _encode(event), event, type_, times)
    except InvalidEvent as error:
        message_id = fields.get("messageId")
        shown = message_id if isinstance(message_id, str) and len(message_id) <= 256 else None
        return Rejected(error, raw if granted else b"", type_ or "unknown", shown, subject)


def _event(
    fields: Mapping[str, Any],
    type_: EventType,
    context: Mapping[str, Any],
    times: EventTime,
    caller: Caller,
) -> Event:
    event = Event(
        type=type_,
        name=read_name(fields, type_),
        message_id=read_id(fields, "messageId") or _derived_id(fields, type_, caller),
        occurred_at=times.occurred_at,
        received_at=times.received_at,
        user_id=read_id(fields, "userId"),
        anonymous_id=read_id(fields, "anonymousId"),
        previous_id=read_id(fields, "previousId") if type_ == "alias" else None,
        group_id=read_id(fields, "groupId") if type_ == "group" else None,
        properties=as_object(fields, "properties"),
        traits=_traits(fields, type_, context),
        context=kept_context(context, type_),
    )
    if type_ == "alias" and (event.previous_id is None or event.user_id is None):
        raise InvalidEvent(Reason.NO_ID, "an alias needs previousId and userId")
    if type_ == "group" and event.group_id is None:
        raise InvalidEvent(Reason.NO_ID, "a group call needs groupId")
    return event


def _read_type(fields: Mapping[str, Any]) -> EventType:
    for known in EVENT_TYPES:
        if fields.get("type") == known:
            return known
    raise InvalidEvent(Reason.BAD_TYPE, f"type: one of {', '.join(EVENT_TYPES)} is allowed")


def _subject(ids: Ids, fields: Mapping[str, Any]) -> Subject:
    user_id = read_id(fields, "userId")
    if user_id is not None:
        return ids.known(user_id)
    anonymous_id = read_id(fields, "anonymousId")
    if anonymous_id is not None:
        return ids.anonymous(anonymous_id)
    raise InvalidEvent(Reason.NO_ID, "userId or anonymousId is needed")


def _refusal(
    fields: Mapping[str, Any], around: Around, caller: Caller, subject: Subject, now_ms: int
) -> Accepted:
    """Return the entry that says no more than that this visitor refused, and when."""
    try:
        times = _times(fields, around, caller, now_ms)
    except InvalidEvent:
        times = EventTime(now_ms, now_ms)
    entry = ConsentRefused(times.occurred_at, times.received_at)
    return Accepted(subject, encode_entry(entry), entry, "refused", times)


def _times(fields: Mapping[str, Any], around: Around, caller: Caller, now_ms: int) -> EventTime:
    return settle_times(
        fields, around.sent_at, now_ms, trusted=caller.secret, imports=around.imports
    )


def _traits(
    fields: Mapping[str, Any], type_: EventType, context: Mapping[str, Any]
) -> dict[str, Any]:
    own = as_object(fields, "traits")
    # RudderStack's libraries put the traits of an identify into the context.
    return {**as_object(context, "traits"), **own} if type_ == "identify" else own


def _derived_id(fields: Mapping[str, Any], type_: EventType, caller: Caller) -> str:
    """Return an id that a retry of the same event gets again, though it is sent at another time."""
    lasting = {k: v for k, v in fields.items() if k not in ("sentAt", "writeKey")}
    try:
        body = msgspec.json.encode([type_, lasting], order="deterministic")
    except UnicodeEncodeError as error:
        raise _surrogate() from error
    return "body-" + blake2b(body, key=caller.name.encode(), digest_size=16).hexdigest()


def _encode(event: Event) -> bytes:
    try:
        return encode_entry(event)
    except UnicodeEncodeError as error:
        raise _surrogate() from error


def _surrogate() -> InvalidEvent:
    return InvalidEvent(Reason.BAD_FIELD, "a text holds half of a surrogate pair")

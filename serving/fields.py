"""Pure: the fields of a Segment event, each with what is allowed in it."""

import re
from collections.abc import Mapping
from typing import Any

from config.events import EventType, InvalidEvent, Reason

MAX_ID_CHARACTERS = 256
_NOT_IN_IDS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# What the profile reads. An IP address is not among them, and neither is what libraries say of
# themselves: the log should hold little.
_CONTEXT_OBJECTS = frozenset(
    {"app", "campaign", "device", "location", "os", "page", "referrer", "screen"}
)
_CONTEXT_TEXTS = frozenset({"locale", "timezone", "userAgent"})
_DEVICE_IDS = frozenset({"id", "advertisingId", "token"})


def read_id(fields: Mapping[str, Any], field: str) -> str | None:
    """Return an id, a whole number as its digits; None where it is absent or blank.

    >>> read_id({"userId": 17}, "userId"), read_id({"userId": ""}, "userId")
    ('17', None)

    Raises:
        InvalidEvent: it is neither text nor whole number, too long, or holds control characters
            or half of a surrogate pair.
    """
    value = fields.get(field)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidEvent(Reason.BAD_ID, f"{field}: a text or a whole number is allowed")
    if len(value) > MAX_ID_CHARACTERS:
        raise InvalidEvent(
            Reason.BAD_ID, f"{field}: at most {MAX_ID_CHARACTERS} characters are allowed"
        )
    if _NOT_IN_IDS.search(value):
        raise InvalidEvent(Reason.BAD_ID, f"{field}: control characters are not allowed")
    return value if value.strip() else None


def read_name(fields: Mapping[str, Any], type_: EventType) -> str:
    """Return the name of a track event, page or screen; empty for the others.

    Raises:
        InvalidEvent: a track event has none, or it is no text of at most 256 characters.
    """
    if type_ not in ("track", "page", "screen"):
        return ""
    field = "event" if type_ == "track" else "name"
    name = fields.get(field)
    if name is None or name == "":
        if type_ == "track":
            raise InvalidEvent(Reason.NO_NAME, "event: a track event needs its name")
        return ""
    if not isinstance(name, str) or len(name) > MAX_ID_CHARACTERS:
        raise InvalidEvent(
            Reason.BAD_FIELD, f"{field}: a text of at most {MAX_ID_CHARACTERS} is allowed"
        )
    return name


def as_object(fields: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return an object, empty where it is absent.

    Raises:
        InvalidEvent: it is something else.
    """
    value = fields.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidEvent(Reason.BAD_FIELD, f"{field}: an object is allowed")
    return value


def kept_context(context: Mapping[str, Any], type_: EventType) -> dict[str, Any]:
    """Return of a context what the profile reads, each part of the kind that it must have.

    >>> kept_context({"ip": "192.0.2.1", "locale": "de-DE", "page": []}, "track")
    {'locale': 'de-DE'}
    """
    kept: dict[str, Any] = {
        name: value
        for name, value in context.items()
        if (name in _CONTEXT_OBJECTS and isinstance(value, dict))
        or (name in _CONTEXT_TEXTS and isinstance(value, str))
    }
    if isinstance(context.get("marketing"), bool):  # what was read of its consent
        kept["marketing"] = context["marketing"]
    if context.get("consent") is True:  # said in so many words; it takes an earlier refusal back
        kept["consent"] = True
    if "device" in kept:
        kept["device"] = {k: v for k, v in kept["device"].items() if k not in _DEVICE_IDS}
    # An identify's traits stand in the event itself.
    if type_ != "identify" and isinstance(context.get("traits"), dict):
        kept["traits"] = context["traits"]
    return kept

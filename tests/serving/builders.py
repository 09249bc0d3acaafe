"""What tests of the server begin with: an event as a library sends it, and who sends it."""

import json
from typing import Any

from config.events import ConsentRefused, Event, EventType
from config.keys import Ids
from serving.access import Caller
from serving.reading import Accepted, Around, Rejected, Rules, read_event

NOW = 1_714_557_600_000  # 2024-05-01T10:00:00Z
HOUR = 60 * 60 * 1000
DAY = 24 * HOUR
IDS = Ids(secret=b"1" * 32, n_shards=64)
RULES = Rules(IDS, consent_category="personalization", consent_required=False)
PUBLIC = Caller("public", secret=False)
TRUSTED = Caller("trusted", secret=True)
NOTHING = Around({})


def an_event(**changes: Any) -> dict[str, Any]:
    """Return a product view; a change to None takes the field out."""
    fields: dict[str, Any] = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": "message-1",
        "userId": "ann",
        "properties": {"product_id": "shoe-1", "price": 59.9},
    }
    fields |= changes
    return {name: value for name, value in fields.items() if value is not None}


def read(
    fields: dict[str, Any] | bytes,
    *,
    kind: EventType | None = None,
    around: Around = NOTHING,
    caller: Caller = PUBLIC,
    rules: Rules = RULES,
) -> Accepted | Rejected:
    """Return what becomes of an event that comes in at ``NOW``."""
    raw = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return read_event(raw, kind, around, caller, rules, NOW)


def accepted(read_: Accepted | Rejected) -> Event:
    """Return the event that went through."""
    assert isinstance(read_, Accepted), read_
    assert isinstance(read_.entry, Event)
    return read_.entry


def refused(read_: Accepted | Rejected) -> ConsentRefused:
    """Return the entry of a visitor who refused."""
    assert isinstance(read_, Accepted), read_
    assert isinstance(read_.entry, ConsentRefused)
    return read_.entry


def rejected(read_: Accepted | Rejected) -> Rejected:
    """Return the dead letter."""
    assert isinstance(read_, Rejected), read_
    return read_

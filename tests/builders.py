"""Events and entries with defaults, so that a test names only what it is about."""

from itertools import count
from typing import Any

from config.events import Entry, Event, EventType
from config.experiment_checks import read_experiment
from config.experiments import Experiment
from config.keys import Ids
from stream.batch import Logged

NOON = 1_700_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
IDS = Ids(secret=b"0" * 32, n_shards=4)

_numbers = count(1)


def read_experiments(tables: dict[str, Any]) -> dict[str, Experiment]:
    """Return the experiments of tables by name."""
    return {name: read_experiment(name, table) for name, table in tables.items()}


def an_event(
    name: str = "Product Viewed",
    *,
    kind: EventType = "track",
    at: int = NOON,
    received_at: int | None = None,
    user: str | None = "ann",
    anonymous: str | None = None,
    previous: str | None = None,
    message_id: str | None = None,
    traits: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    **properties: Any,
) -> Event:
    """Return an event of Ann's; a product event is about boots unless it says otherwise."""
    if kind == "track" and name.startswith("Product "):
        properties.setdefault("product_id", "boots")
    return Event(
        type=kind,
        name=name if kind in ("track", "page", "screen") else "",
        message_id=message_id or f"m-{next(_numbers)}",
        occurred_at=at,
        received_at=at if received_at is None else received_at,
        user_id=user,
        anonymous_id=anonymous,
        previous_id=previous,
        properties=properties,
        traits=traits or {},
        context=context or {},
    )


def an_identify(user: str, anonymous: str, **more: Any) -> Event:
    """Return the identify that makes a visitor a known user."""
    return an_event(kind="identify", user=user, anonymous=anonymous, **more)


def digest_of(event: Event) -> str:
    """Return whom an event is about, as collect decides it."""
    if event.user_id is not None:
        return IDS.known(event.user_id).digest
    assert event.anonymous_id is not None
    return IDS.anonymous(event.anonymous_id).digest


def logged(entry: Entry, digest: str | None = None, entry_id: str | None = None) -> Logged:
    """Return an entry as a log would hold it, with an id after all earlier ones."""
    if digest is None:
        digest = digest_of(entry) if isinstance(entry, Event) else ""
    return Logged(entry_id or f"{next(_numbers)}-0", digest, entry, b"raw")

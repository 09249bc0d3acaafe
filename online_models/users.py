"""What is remembered of a user, and its bytes. Who changes it is ``stream/profiles.py``.

Each field is defined as a function of the *set* of a user's events where no bound is hit: sums
fade forward (``decay.py``), lists are ordered by event time, single values take the latest (or the
earliest) by event time. So histories may arrive and merge in any order.

The bytes are one version byte and a MessagePack array (https://msgpack.org). A field may be added
at the end with a default: bytes written before then are read with that default. Any other change
is a new version with a reader for the old one.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from config.errors import ShopkeeperError
from config.events import CampaignChoice
from config.experiments import MAX_EXPERIMENTS
from online_models.decay import Counter
from online_models.expected import Rhythm, Wait

MAX_RECENT_PRODUCTS = 20
MAX_AFFINITIES = 16
MAX_CART_CHANGES = 64
MAX_ORDERS = 10
MAX_TRAITS = 50
MAX_ANONYMOUS_IDS = 32
MAX_OPEN_SESSIONS = 4
MAX_RECENT_IDS = 256
MAX_PURCHASES = 6  # times of one product
MAX_SHOWN = 48
MAX_CONTACTS = 32
MAX_CONTACT_TIMES = 16
MAX_OPEN_DECISIONS = 16
MAX_EXPOSURES = MAX_EXPERIMENTS  # or a visitor who is let go of would count twice
MAX_MOMENTS = 2  # of a session, that models are taught of
MAX_TAUGHT = 300  # steps, choices and moments of one user that models learn from, a day
MAX_TAUGHT_TIMES = 3  # of these, a step of one product
MAX_TAUGHT_CHOICES = 20  # of these, choices in one placement
MAX_TAUGHT_MOMENTS = 10  # of these, moments of visits
MAX_TOLD = 64  # firings in channels with caps

Dated = tuple[int, str]  # event time (ms) and a text

_VERSION = 1


class UnknownStateVersion(ShopkeeperError):
    """The bytes of a user were written by a version that this one cannot read."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"user state of version {version}; this Shopkeeper reads {sorted(_READERS)}: "
            "run the version that wrote it, or a newer one"
        )
        self.version = version


class BrokenState(ShopkeeperError):
    """The bytes of a user are not a user state at all."""


class CartChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change of the cart: pieces added (> 0), taken out (< 0), or all of them out (0)."""

    at: int
    product_id: str
    quantity: float
    price: float | None = None


class Order(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order, once per ``order_id``; ``is_discounted``: with a coupon or a discount."""

    at: int
    order_id: str
    revenue: float
    is_discounted: bool = False


class Shown(msgspec.Struct, array_like=True, gc=False):
    """Impressions of a product since the visitor last turned to it: the latest times first."""

    product_id: str
    times: list[int]
    cleared_at: int = -1


class Moment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A moment of a session that models are taught of once it is over: the visitor's features then.

    ``mark`` is the hash that chose it, ``features`` are packed (``online_models/packing.py``).
    """

    mark: int
    at: int
    features: bytes


class Session(msgspec.Struct, array_like=True, gc=False):
    """Events of a visitor with no gap longer than the session gap; open until its timer fires.

    ``received_at`` is when the last of them came in, by the shard's clock. ``referrer``,
    ``campaign`` and ``landing_page`` are the earliest seen, ``device`` and ``stage`` the latest.
    """

    start_at: int
    end_at: int
    received_at: int
    n_events: int = 0
    n_pages: int = 0
    n_views: int = 0
    n_carts: int = 0
    n_orders: int = 0
    revenue: float = 0.0
    referrer: Dated | None = None
    campaign: Dated | None = None
    landing_page: Dated | None = None
    device: Dated | None = None
    stage: tuple[int, int] | None = None
    moments: list[Moment] = []


class Contact(msgspec.Struct, array_like=True, gc=False):
    """What a visitor had to do with a campaign: impressions, latest first, by channel."""

    campaign: str
    shown: list[Dated] = []  # time and channel
    clicked_at: int = -1
    dismissed_at: int = -1
    converted_at: int = -1


class OpenDecision(msgspec.Struct, array_like=True, gc=False):
    """A choice whose rewards are still waited for.

    Until its entry comes, ``decided_at`` is -1 and the choice names only placement and campaign.
    ``shown_at`` and ``clicked_at`` are the earliest, ``n_orders`` and ``revenue`` of the orders in
    its window. ``received_at`` is when the decision or its first impression came in, by the shard's
    clock. The choice's features are kept packed (``online_models/packing.py``), until it is taught.
    """

    decision_id: str
    decided_at: int
    choice: CampaignChoice
    shown_at: int = -1
    clicked_at: int = -1
    n_orders: int = 0
    revenue: float = 0.0
    received_at: int = 0
    channel: str = "web"
    features: bytes = b""
    is_taught: bool = False


class Exposure(msgspec.Struct, array_like=True, gc=False):
    """What a visitor did since an experiment first showed one of its variations.

    Of the revenue ``margin_rate`` is earned; ``given`` is what offers gave away of it.
    """

    experiment: str
    variation: str
    exposed_at: int
    is_clicked: bool = False
    n_orders: int = 0
    revenue: float = 0.0
    given: float = 0.0
    margin_rate: float = 1.0


class UserState(msgspec.Struct, array_like=True, gc=False, tag="state", tag_field="kind"):
    """Everything that is remembered of one user.

    ``latest_at`` and ``first_at`` bound the event times seen; ``received_at`` is the shard's clock
    at the last of them. ``recent_ids`` is the dedupe ring (``stream/dedupe.py``). ``purchases``:
    when each of ``bought`` was bought, latest first. ``shown``: see ``online_models/shown.py``.
    ``taught``: what models learned of the user that day (``stream/taught.py``).
    ``contacts``, ``open_decisions`` and ``exposures``: see ``stream/attribution.py``.
    ``clicked_at`` is the latest click on anything that a decision showed. ``left_at``: when the
    latest of the sessions that are over ended. ``heard_at``: when the last event came in that
    triggers know of, by the shard's clock. ``marketing``: whether marketing may speak to the user.
    ``waits``: by trigger; ``waits_due_at``: nothing is to be done about them before;
    ``held_until``: until when one of them is held, at most; ``stops``: when acts were that end
    waits; ``reach``: whom triggers may speak to (``stream/waits.py``). ``told``: when channels with
    caps fired, latest first. ``rhythm``: of who has ordered.
    """

    latest_at: int
    first_at: int
    received_at: int
    n_events: int = 0
    user_id: str | None = None
    anonymous_ids: list[Dated] = []
    consent: tuple[int, bool] | None = None
    traits: dict[str, tuple[int, Any]] = {}
    context: dict[str, tuple[int, Any]] = {}
    views: Counter = msgspec.field(default_factory=Counter)
    carts: Counter = msgspec.field(default_factory=Counter)
    orders: Counter = msgspec.field(default_factory=Counter)
    revenue: Counter = msgspec.field(default_factory=Counter)
    sessions: Counter = msgspec.field(default_factory=Counter)
    categories: dict[str, float] = {}
    brands: dict[str, float] = {}
    price_bands: dict[str, float] = {}
    viewed: list[Dated] = []
    carted: list[Dated] = []
    bought: list[Dated] = []
    cart: list[CartChange] = []
    cart_cleared_at: int = -1
    order_history: list[Order] = []
    open_sessions: list[Session] = []
    recent_ids: bytes = b""
    purchases: dict[str, list[int]] = {}
    shown: list[Shown] = []
    taught_day: int = 0
    taught: bytes = b""
    contacts: list[Contact] = []
    open_decisions: list[OpenDecision] = []
    exposures: list[Exposure] = []
    clicked_at: int = -1
    left_at: int = -1
    rhythm: Rhythm | None = None
    heard_at: int = -1
    marketing: tuple[int, bool] | None = None
    waits: dict[str, Wait] = {}
    waits_due_at: int = -1
    held_until: int = -1
    stops: dict[str, int] = {}
    reach: int = 0
    told: list[Dated] = []


class Linked(msgspec.Struct, array_like=True, gc=False, tag="linked", tag_field="kind"):
    """An anonymous visitor who turned out to be a known user: their events are forwarded."""

    known: str
    linked_at: int
    received_at: int
    recent_ids: bytes = b""


class Suppressed(msgspec.Struct, array_like=True, gc=False, tag="suppressed", tag_field="kind"):
    """An erased user: nothing is kept, and nothing is taken in."""

    erased_at: int


User = UserState | Linked | Suppressed

_encoder = msgspec.msgpack.Encoder()
_version_1: msgspec.msgpack.Decoder[User] = msgspec.msgpack.Decoder(User)
_READERS: dict[int, Callable[[bytes], User]] = {1: _version_1.decode}


def is_forgotten(user: User, clock: int, retention_ms: int) -> bool:
    """Tell whether a user stayed away for longer than the retention, by the shard's clock (ms).

    That an id was erased is not forgotten.

    >>> is_forgotten(Linked(known="d", linked_at=0, received_at=5), clock=16, retention_ms=10)
    True
    """
    return not isinstance(user, Suppressed) and clock - user.received_at > retention_ms


def encode_user(user: User) -> bytes:
    """Return a user's bytes, in the current version.

    >>> decode_user(encode_user(Suppressed(erased_at=5)))
    Suppressed(erased_at=5)
    """
    return bytes((_VERSION,)) + _encoder.encode(user)


def decode_user(data: bytes) -> User:
    """Return the user that these bytes are.

    Raises:
        UnknownStateVersion: another version wrote them.
        BrokenState: they are no user state.
    """
    if not data:
        raise BrokenState("user state is empty")
    reader = _READERS.get(data[0])
    if reader is None:
        raise UnknownStateVersion(data[0])
    try:
        return reader(data[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenState(f"user state cannot be read: {error}") from error

"""What policies know when they choose: one list of numbers of the visitor, page, time and shop.

The list is the same for all placements, so that a policy can be asked wherever its arms may be
shown. Its order is part of what policies have learned: a change of it is a new ``VERSION`` of what
they write (``policies.py``; a test holds the two together). Numbers lie within about ±2; counts are
logarithms of them. Names that shops make up (categories, weather, tiers) are hashed into a few
places, so that no list grows (Weinberger et al.: "Feature Hashing for Large Scale Multitask
Learning", ICML 2009).
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from math import cos, exp, log1p, pi, sin
from typing import NamedTuple
from zlib import crc32

from config.durations import DAY_MS, HOUR_MS, MINUTE_MS
from online_models.features import MAX_VALUE, bounded, top_share
from online_models.users import Session, UserState
from online_models.visitors import strongest

PAGE_TYPES = ("home", "category", "product", "cart", "checkout", "search")
TRIGGERS = ("exit", "idle", "cart", "checkout")
N_FAVOURITE, N_PAGE, N_SHOP = 8, 6, 8  # places that names are hashed into
MAX_SHOP_FACTS = 16

_DAY, _MONTH = 1, 2  # half-lives of counters
_OTHER_NAMES = {"exit_intent": "exit", "list": "category", "listing": "category", "index": "home"}


class RequestFacts(NamedTuple):
    """What a request tells beside the visitor; what it does not tell is left at its default.

    ``hour`` is the time of day in the shop's time zone, 0 to 24; ``shop`` is what the shop passes
    as context, such as weather or tier: texts, numbers and flags by name.
    """

    device: str = ""
    hour: float | None = None
    is_weekend: bool = False
    page_type: str = ""
    page_category: str = ""
    cart_value: float = 0.0
    n_cart_lines: int = 0
    trigger: str = ""
    shop: Mapping[str, object] = {}


NOTHING_TOLD = RequestFacts()

_VISITOR = (
    "nobody", "known", "age", "sessions_month", "views_day", "views_month", "carts_day",
    "carts_month", "orders_month", "orders_total", "revenue_month", "seen_recency_hour",
    "order_recency_month", "category_focus", "brand_focus", "price_focus",
)  # fmt: skip
_SESSION = ("minutes", "pages", "views", "carts", "orders", "stage", "from_campaign")
_REQUEST = ("cart_value", "cart_lines", "mobile", "tablet", "hour_sin", "hour_cos", "weekend")

CONTEXT_NAMES: tuple[str, ...] = (
    *_VISITOR,
    *(f"session_{name}" for name in _SESSION),
    *_REQUEST,
    *(f"page_{name}" for name in PAGE_TYPES),
    *(f"trigger_{name}" for name in TRIGGERS),
    "page_of_favourite",
    *(f"favourite_{place}" for place in range(N_FAVOURITE)),
    *(f"page_category_{place}" for place in range(N_PAGE)),
    *(f"shop_{place}" for place in range(N_SHOP)),
)
N_CONTEXT = len(CONTEXT_NAMES)

_NOBODY = (1.0, *[0.0] * (len(_VISITOR) - 1))
_NO_SESSION = (0.0,) * len(_SESSION)


def context_vector(
    state: UserState | None, now: int, facts: RequestFacts = NOTHING_TOLD
) -> list[float]:
    """Return the numbers of a visitor (None: nobody knows them) at ``now`` (ms), all finite.

    Their order is that of ``CONTEXT_NAMES``.

    >>> vector = context_vector(None, 0, RequestFacts(device="mobile", page_type="cart"))
    >>> [name for name, value in zip(CONTEXT_NAMES, vector) if value]
    ['nobody', 'mobile', 'page_cart']
    """
    favourite = "" if state is None else strongest(state.categories)
    vector: list[float] = []
    vector += _NOBODY if state is None else _of_visitor(state, now)
    if state is None or not state.open_sessions:
        vector += _NO_SESSION
    else:
        vector += _of_session(state.open_sessions[-1], now)
    vector += _of_request(facts)
    vector += _marked(PAGE_TYPES, facts.page_type)
    vector += _marked(TRIGGERS, facts.trigger)
    vector.append(float(favourite != "" and favourite == facts.page_category))
    vector += _hashed(favourite, N_FAVOURITE)
    vector += _hashed(facts.page_category, N_PAGE)
    vector += _of_shop(facts.shop)
    return vector


def _of_visitor(state: UserState, now: int) -> list[float]:
    latest, orders = state.latest_at, state.order_history
    since_order = now - orders[0].at if orders else -1
    return [
        0.0,
        float(state.user_id is not None),
        _logged(max(now - state.first_at, 0) / DAY_MS, 4.0),
        _logged(state.sessions.faded(_MONTH, latest, now), 2.0),
        _logged(state.views.faded(_DAY, latest, now), 2.0),
        _logged(state.views.faded(_MONTH, latest, now), 3.0),
        _logged(state.carts.faded(_DAY, latest, now), 2.0),
        _logged(state.carts.faded(_MONTH, latest, now), 2.0),
        _logged(state.orders.faded(_MONTH, latest, now), 1.0),
        _logged(state.orders.total, 2.0),
        _logged(state.revenue.faded(_MONTH, latest, now), 6.0),
        exp(-max(now - latest, 0) / HOUR_MS),
        exp(-max(since_order, 0) / (30 * DAY_MS)) if orders else 0.0,
        top_share(state.categories),
        top_share(state.brands),
        top_share(state.price_bands),
    ]


def _of_session(session: Session, now: int) -> list[float]:
    return [
        _logged(max(now - session.start_at, 0) / MINUTE_MS, 3.0),
        _logged(session.n_pages, 2.0),
        _logged(session.n_views, 2.0),
        _logged(session.n_carts, 1.0),
        _logged(session.n_orders, 1.0),
        min(max(session.stage[1] if session.stage else 0, 0), 6) / 6.0,
        float(session.campaign is not None),
    ]


def _of_request(facts: RequestFacts) -> list[float]:
    angle = None if facts.hour is None else bounded(facts.hour) / 24.0 * 2.0 * pi
    device = facts.device.lower()
    return [
        _logged(facts.cart_value, 5.0),
        _logged(facts.n_cart_lines, 1.0),
        float(device in ("mobile", "ios", "android", "phone")),
        float(device == "tablet"),
        0.0 if angle is None else sin(angle),
        0.0 if angle is None else cos(angle),
        float(facts.is_weekend),
    ]


def _of_shop(told: Mapping[str, object]) -> list[float]:
    places = [0.0] * N_SHOP
    for name, value in islice(told.items(), MAX_SHOP_FACTS):
        if isinstance(value, bool | str):
            places[_place(f"{name}={value}", N_SHOP)] += 1.0
        elif isinstance(value, int | float):
            number = bounded(value)
            size = log1p(abs(number)) / 3.0
            places[_place(name, N_SHOP)] += size if number >= 0 else -size
    return [min(max(value, -2.0), 2.0) for value in places]


def _marked(names: Sequence[str], name: str) -> list[float]:
    name = _OTHER_NAMES.get(name, name)
    return [float(one == name) for one in names]


def _hashed(name: str, n_places: int) -> list[float]:
    places = [0.0] * n_places
    if name:
        places[_place(name, n_places)] = 1.0
    return places


def _place(name: str, n_places: int) -> int:
    # An id may hold what is no text (a lone surrogate); it is hashed all the same.
    return crc32(name[:256].encode(errors="replace")) % n_places


def _logged(value: float, scale: float) -> float:
    return log1p(value if 0.0 <= value <= MAX_VALUE else max(bounded(value), 0.0)) / scale

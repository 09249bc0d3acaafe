"""The user's feature vector: names, order and values, and the picture of a customer.

The table in ``online_models/README.md`` documents each feature; a test holds the two together.
All values are finite; what is not known is 0, with a flag of its own where 0 could mislead.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import exp, fsum, isfinite, log1p, sqrt
from statistics import fmean
from typing import Any, NamedTuple

from config.durations import DAY_MS, HOUR_MS, MINUTE_MS
from online_models.bounded import cart_lines
from online_models.decay import HALF_LIFE_NAMES, MONTH, Counter, fade
from online_models.users import Contact, Session, UserState

MAX_VALUE = 1e9
_COUNTERS = ("sessions", "views", "carts", "orders", "revenue")


class Feature(NamedTuple):
    """One number of the vector: its name, what it says, and how it is read at ``now`` (ms)."""

    name: str
    meaning: str
    read: Callable[[UserState, int], float]


def feature_names() -> list[str]:
    """Return the names, in the order of ``feature_vector``."""
    return [feature.name for feature in FEATURES]


def feature_vector(state: UserState, now: int) -> list[float]:
    """Return the values at ``now`` (ms), in the order of ``feature_names``, all finite."""
    return [bounded(float(feature.read(state, now))) for feature in FEATURES]


def picture(state: UserState, now: int) -> dict[str, Any]:
    """Return what a store associate or an e-mail tool reads of a customer, ready for JSON."""
    lines = cart_lines(state.cart)
    return {
        "userId": state.user_id,
        "anonymousIds": [name for _, name in state.anonymous_ids],
        "consent": None if state.consent is None else state.consent[1],
        "traits": {name: value for name, (_, value) in sorted(state.traits.items())},
        "context": {name: value for name, (_, value) in sorted(state.context.items())},
        "eventsSeen": state.n_events,
        "firstSeenAt": state.first_at,
        "lastSeenAt": state.latest_at,
        "counters": {name: _faded(getattr(state, name), state, now) for name in _COUNTERS},
        "affinities": {
            "categories": _shares(state.categories),
            "brands": _shares(state.brands),
            "priceBands": _shares(state.price_bands),
        },
        "lastViewed": [name for _, name in state.viewed],
        "lastCarted": [name for _, name in state.carted],
        "lastBought": [name for _, name in state.bought],
        "cart": [
            {"productId": name, "quantity": line.quantity, "price": line.price}
            for name, line in lines.items()
        ],
        "orders": [
            {"at": order.at, "orderId": order.order_id, "revenue": order.revenue}
            for order in state.order_history
        ],
        "sessions": [_session(session) for session in state.open_sessions],
        "campaigns": [_contact(contact) for contact in state.contacts],
        "experiments": {one.experiment: one.variation for one in state.exposures},
        "features": dict(zip(feature_names(), feature_vector(state, now), strict=True)),
    }


def _session(session: Session) -> dict[str, Any]:
    def text(dated: tuple[int, Any] | None) -> object:
        return None if dated is None else dated[1]

    return {
        "startedAt": session.start_at,
        "lastEventAt": session.end_at,
        "events": session.n_events,
        "pages": session.n_pages,
        "views": session.n_views,
        "carts": session.n_carts,
        "orders": session.n_orders,
        "revenue": session.revenue,
        "referrer": text(session.referrer),
        "campaign": text(session.campaign),
        "landingPage": text(session.landing_page),
        "device": text(session.device),
        "checkoutStage": text(session.stage) or 0,
    }


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "campaign": contact.campaign,
        "shown": [{"at": at, "channel": channel} for at, channel in contact.shown],
        "clickedAt": _time(contact.clicked_at),
        "dismissedAt": _time(contact.dismissed_at),
        "convertedAt": _time(contact.converted_at),
    }


def _time(at: int) -> int | None:
    return None if at < 0 else at


def _faded(counter: Counter, state: UserState, now: int) -> dict[str, float]:
    sums = {
        name: counter.faded(kind, state.latest_at, now) for kind, name in enumerate(HALF_LIFE_NAMES)
    }
    return {"total": counter.total, **sums}


def _shares(values: dict[str, float]) -> dict[str, float]:
    """Return each share of the whole, largest first; landmarks cancel out."""
    whole = sum(values.values())
    if whole <= 0:
        return {}
    return {name: values[name] / whole for name in sorted(values, key=lambda n: (-values[n], n))}


def bounded(value: float) -> float:
    """Return a number within bounds; what is none is 0."""
    return min(max(value, -MAX_VALUE), MAX_VALUE) if isfinite(value) else 0.0


def _counter_feature(counter: str, kind: int) -> Feature:
    half_life = ("an hour", "a day", "30 days")[kind]

    def read(state: UserState, now: int) -> float:
        kept: Counter = getattr(state, counter)
        return kept.faded(kind, state.latest_at, now)

    return Feature(f"{counter}_{HALF_LIFE_NAMES[kind]}", f"{counter}, half-life {half_life}", read)


def _total_feature(counter: str) -> Feature:
    def read(state: UserState, now: int) -> float:
        kept: Counter = getattr(state, counter)
        return log1p(max(kept.total, 0.0))

    return Feature(f"{counter}_total_log", f"log(1 + {counter} so far)", read)


def _session_feature(name: str, meaning: str, read: Callable[[Session, int], float]) -> Feature:
    def of_current(state: UserState, now: int) -> float:
        return read(state.open_sessions[-1], now) if state.open_sessions else 0.0

    return Feature(f"session_{name}", meaning, of_current)


def top_share(values: Mapping[str, float]) -> float:
    """Return the share of the strongest."""
    whole = sum(values.values())
    return max(values.values()) / whole if whole > 0 else 0.0


def _warmth(values: dict[str, float], state: UserState, now: int) -> float:
    return log1p(fade(sum(values.values()), MONTH, state.latest_at, now))


def _intervals(state: UserState) -> list[float]:
    times = [order.at for order in state.order_history]
    return [(later - earlier) / DAY_MS for later, earlier in pairwise(times)]


def _mean_interval(state: UserState) -> float:
    return fmean(_intervals(state)) if len(state.order_history) > 1 else 0.0


def _interval_spread(state: UserState, _: int) -> float:
    """Return the standard deviation; ``statistics.pstdev`` takes longer than all other features."""
    days = _intervals(state)
    if not days:
        return 0.0
    mean = fmean(days)
    return sqrt(fsum((each - mean) ** 2 for each in days) / len(days))


def _overdue(state: UserState, now: int) -> float:
    mean = _mean_interval(state)
    if mean <= 0:
        return 0.0
    return min((now - state.order_history[0].at) / DAY_MS / mean, 10.0)


def _recency(at: int, now: int, scale_ms: int) -> float:
    return exp(-max(now - at, 0) / scale_ms)


def _cart_value(state: UserState) -> float:
    return sum(line.quantity * (line.price or 0.0) for line in cart_lines(state.cart).values())


FEATURES: tuple[Feature, ...] = (
    *(_counter_feature(counter, kind) for counter in _COUNTERS for kind in range(3)),
    *(_total_feature(counter) for counter in _COUNTERS),
    Feature(
        "known", "1 for a known user, 0 for an anonymous one", lambda s, _: s.user_id is not None
    ),
    Feature(
        "age_days_log",
        "log(1 + days since the first event)",
        lambda s, now: log1p(max(now - s.first_at, 0) / DAY_MS),
    ),
    Feature(
        "seen_recency_hour",
        "exp(-hours since the last event)",
        lambda s, now: _recency(s.latest_at, now, HOUR_MS),
    ),
    Feature(
        "seen_recency_week",
        "exp(-weeks since the last event)",
        lambda s, now: _recency(s.latest_at, now, 7 * DAY_MS),
    ),
    Feature(
        "category_focus", "share of the strongest category", lambda s, _: top_share(s.categories)
    ),
    Feature("brand_focus", "share of the strongest brand", lambda s, _: top_share(s.brands)),
    Feature(
        "price_focus", "share of the strongest price band", lambda s, _: top_share(s.price_bands)
    ),
    Feature(
        "category_warmth",
        "log(1 + category affinity), half-life 30 days",
        lambda s, now: _warmth(s.categories, s, now),
    ),
    Feature(
        "n_recent_views",
        "distinct products among the last viewed, at most 20",
        lambda s, _: len(s.viewed),
    ),
    Feature("n_cart_lines", "products in the cart", lambda s, _: len(cart_lines(s.cart))),
    Feature("cart_value_log", "log(1 + value of the cart)", lambda s, _: log1p(_cart_value(s))),
    _session_feature(
        "minutes",
        "minutes since the session began, at most a day",
        lambda s, now: min(max(now - s.start_at, 0), DAY_MS) / MINUTE_MS,
    ),
    _session_feature("pages", "pages of the session", lambda s, _: s.n_pages),
    _session_feature("views", "product views of the session", lambda s, _: s.n_views),
    _session_feature("carts", "products put into the cart in the session", lambda s, _: s.n_carts),
    _session_feature("orders", "orders of the session", lambda s, _: s.n_orders),
    _session_feature(
        "stage", "checkout stage reached last, 0 to 6", lambda s, _: s.stage[1] if s.stage else 0
    ),
    _session_feature(
        "from_campaign", "1 where a campaign led here", lambda s, _: s.campaign is not None
    ),
    Feature("n_orders_kept", "orders among the last 10", lambda s, _: len(s.order_history)),
    Feature(
        "order_interval_days",
        "mean days between the last orders, 0 with fewer than two",
        lambda s, _: _mean_interval(s),
    ),
    Feature(
        "order_interval_spread",
        "standard deviation of those days",
        _interval_spread,
    ),
    Feature(
        "order_overdue", "days since the last order over their mean interval, at most 10", _overdue
    ),
)

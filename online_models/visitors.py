"""Pure: what conditions read of a visitor and of the visit."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice

from config.condition_words import FIELDS
from config.durations import DAY_MS, MINUTE_MS
from online_models.users import Session, UserState

N_FOCUS = 5  # products of the visit, latest first, of which most are of one category

Fields = frozenset[str] | None


def user_values(user: UserState | None, now: int, fields: Fields) -> dict[str, object]:
    """Return ``user``, by the fields that are asked for (None: all); of a stranger all empty."""
    return {field: user_field(user, field, now) for field in fields or FIELDS["user"] or ()}


def user_field(user: UserState | None, field: str, now: int) -> object:
    """Return what a condition reads as ``user.<field>``; of a stranger the same, empty."""
    if field == "known":
        return user is not None
    state = _NOBODY if user is None else user
    read = _READ.get(field)
    if read is not None:
        return read(state)
    if field == "days_since_order":
        return _days(state.order_history[0].at, now) if state.order_history else -1.0
    total = getattr(state, field.removeprefix("n_")).total
    return float(total) if field == "revenue" else int(total)


def user_map(user: UserState | None, field: str) -> dict[str, object]:
    """Return a map of ``user`` by names that come from elsewhere, such as its traits."""
    return _MAPS[field](_NOBODY if user is None else user)


def session_values(
    user: UserState | None, session: Session | None, focus: str, now: int, *, is_unseen: bool
) -> dict[str, object]:
    """Return ``session``: this visit, the open session or one that begins with this request.

    Where nobody could look (``is_unseen``) nobody can say which visit it is: its number is 0.
    """
    here = session or Session(now, now, now)
    stage_at, stage = here.stage or (now, 0)
    return {
        "number": 0 if is_unseen else _visit_number(user, session),
        "days_away": _days_away(user, session, now),
        "minutes": max(now - here.start_at, 0) / MINUTE_MS,
        "n_pages": here.n_pages,
        "n_views": here.n_views,
        "n_carts": here.n_carts,
        "n_orders": here.n_orders,
        "stage": stage,
        "stage_minutes": max(now - stage_at, 0) / MINUTE_MS,
        "focus": focus,
        "referrer": here.referrer[1] if here.referrer else "",
        "campaign": here.campaign[1] if here.campaign else "",
        "landing_page": here.landing_page[1] if here.landing_page else "",
    }


def open_session(user: UserState | None, now: int, gap_ms: int) -> Session | None:
    """Return the visit that goes on, None where the next event begins another."""
    if user is None or not user.open_sessions:
        return None
    session = user.open_sessions[-1]
    return session if now - session.end_at <= gap_ms else None


def focus_of(categories: Iterable[str | None]) -> str:
    """Return the category of at least two of the last products of a visit, and of most of them.

    >>> focus_of(["hiking", "hiking", "games"]), focus_of(["hiking"])
    ('hiking', '')
    """
    latest = list(islice(categories, N_FOCUS))
    for category in latest:
        n_same = latest.count(category)
        if category is not None and n_same > 1 and 2 * n_same > len(latest):
            return category
    return ""


def said(user: UserState | None, name: str) -> str:
    """Return what events told of a visitor's surroundings, "" for nothing."""
    kept = user.context.get(name) if user is not None else None
    return kept[1] if kept is not None and isinstance(kept[1], str) else ""


def shares(values: Mapping[str, float]) -> dict[str, float]:
    """Return each share of the whole."""
    whole = sum(values.values())
    return {name: value / whole for name, value in values.items()} if whole > 0 else {}


def strongest(values: Mapping[str, float]) -> str:
    """Return the name with the largest value, "" of none."""
    return max(zip(values.values(), values, strict=True))[1] if values else ""


def _visit_number(user: UserState | None, session: Session | None) -> int:
    if user is None:
        return 1
    return int(user.sessions.total) + len(user.open_sessions) + (session is None)


def _days_away(user: UserState | None, session: Session | None, now: int) -> float:
    """Return the days between the visit before and this one, -1 where there was none."""
    if user is None:
        return -1.0
    if session is None:
        return _days(user.latest_at, now)
    # Sessions that an import told of are counted later than they ended.
    ended = [user.left_at, *(one.end_at for one in user.open_sessions if one is not session)]
    return _days(max(ended), session.start_at) if max(ended) >= 0 else -1.0


def _days(at: int, now: int) -> float:
    return max(now - at, 0) / DAY_MS


def _discounted_share(state: UserState) -> float:
    orders = state.order_history
    return sum(order.is_discounted for order in orders) / len(orders) if orders else 0.0


_NOBODY = UserState(latest_at=0, first_at=0, received_at=0)
_MAPS: dict[str, Callable[[UserState], dict[str, object]]] = {
    "traits": lambda state: {name: value for name, (_, value) in state.traits.items()},
    "context": lambda state: {name: value for name, (_, value) in state.context.items()},
    "categories": lambda state: dict(shares(state.categories)),
    "brands": lambda state: dict(shares(state.brands)),
}
_READ: dict[str, Callable[[UserState], object]] = {
    **_MAPS,
    "viewed": lambda state: [name for _, name in state.viewed],
    "bought": lambda state: [name for _, name in state.bought],
    "favourite_category": lambda state: strongest(state.categories),
    "favourite_brand": lambda state: strongest(state.brands),
    "discounted_share": _discounted_share,
    "n_events": lambda state: state.n_events,
}

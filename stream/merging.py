"""One state of two histories: an anonymous visitor's joins a known user's. Pure.

Decayed counters add, sets join, lists join by time and are cut, single values take the latest.
"""

from online_models.bounded import change_cart, remember, take_latest
from online_models.decay import keep_largest
from online_models.purchases import note_purchase
from online_models.rhythm import join as join_rhythms
from online_models.shown import join_shown
from online_models.users import (
    MAX_AFFINITIES,
    MAX_ANONYMOUS_IDS,
    MAX_ORDERS,
    MAX_RECENT_PRODUCTS,
    MAX_TRAITS,
    Order,
    UserState,
)
from stream import taught
from stream.attribution import join_reactions
from stream.joined_waits import join_waits
from stream.orders import count_order, earliness
from stream.profiles import move_to
from stream.sessions import add_session


def merge_into(known: UserState, other: UserState, gap_ms: int) -> None:
    """Add the other history to the known user's, in place; ``other`` is not to be used again.

    The dedupe ring stays where its events came in: with the visitor's link.
    """
    _share_times(known, other)
    known.received_at = max(known.received_at, other.received_at)
    known.n_events += other.n_events
    for at, anonymous_id in other.anonymous_ids:
        remember(known.anonymous_ids, at, anonymous_id, MAX_ANONYMOUS_IDS)
    if other.consent is not None:
        known.consent = max(known.consent or other.consent, other.consent)
    for mine, theirs in ((known.traits, other.traits), (known.context, other.context)):
        for name, (at, value) in theirs.items():
            take_latest(mine, name, at, value, MAX_TRAITS)
    _merge_sums(known, other)
    for recent, more in (
        (known.viewed, other.viewed),
        (known.carted, other.carted),
        (known.bought, other.bought),
    ):
        for at, product_id in more:
            remember(recent, at, product_id, MAX_RECENT_PRODUCTS)
    for product_id, times in other.purchases.items():
        note_purchase(known.purchases, times, product_id, known.bought)
    join_shown(known.shown, other.shown, known.viewed)
    _merge_taught(known, other)
    known.rhythm = join_rhythms(known.rhythm, other.rhythm)
    known.left_at = max(known.left_at, other.left_at)
    known.cart_cleared_at = max(known.cart_cleared_at, other.cart_cleared_at)
    known.cart = change_cart(known.cart, known.cart_cleared_at, other.cart)
    for session in other.open_sessions:
        add_session(known.open_sessions, session, gap_ms)
    join_reactions(known, other)
    join_waits(known, other)
    _merge_orders(known, other.order_history)


def _share_times(known: UserState, other: UserState) -> None:
    """Give both the times of the joint history; one without events has none that count."""
    if not known.n_events:
        known.latest_at, known.first_at = other.latest_at, other.first_at
    elif other.n_events:
        move_to(known, other.latest_at)
        move_to(other, known.latest_at)
        known.first_at = min(known.first_at, other.first_at)


def _merge_taught(known: UserState, other: UserState) -> None:
    if other.taught_day > known.taught_day:
        known.taught_day, known.taught = other.taught_day, other.taught
    elif other.taught_day == known.taught_day:
        known.taught = taught.join(known.taught, other.taught)


def _merge_sums(known: UserState, other: UserState) -> None:
    known.views.join(other.views)
    known.carts.join(other.carts)
    known.orders.join(other.orders)
    known.revenue.join(other.revenue)
    known.sessions.join(other.sessions)
    for mine, theirs in (
        (known.categories, other.categories),
        (known.brands, other.brands),
        (known.price_bands, other.price_bands),
    ):
        for name, amount in theirs.items():
            mine[name] = mine.get(name, 0.0) + amount
        keep_largest(mine, MAX_AFFINITIES)


def _merge_orders(known: UserState, orders: list[Order]) -> None:
    """Join the orders; one that both histories tell was counted twice: the later goes."""
    kept = {order.order_id: order for order in known.order_history}
    for order in orders:
        twin = kept.get(order.order_id)
        if twin is None:
            kept[order.order_id] = order
            continue
        first, second = sorted((twin, order), key=earliness)
        kept[order.order_id] = first
        count_order(known, second, -1.0)
    newest_first = sorted(kept.values(), key=lambda o: (-o.at, o.order_id))
    known.order_history = newest_first[:MAX_ORDERS]

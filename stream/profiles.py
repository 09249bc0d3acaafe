"""A user's state after one more event, or after another history joined it. Pure, in place.

A state that raises half-way is not to be used any more: the caller drops it.
"""

from collections.abc import Callable
from functools import cache
from math import frexp
from typing import Any

from config.commerce import Name, Product, as_text, has_discount, products_of, revenue_of
from config.events import Event
from online_models.bounded import change_cart, earliest, latest, remember, take_latest
from online_models.decay import (
    MONTH,
    Weights,
    keep_largest,
    scale_values,
    steps_between,
    weights_at,
)
from online_models.purchases import note_purchase
from online_models.shown import note_shown, note_turned_to
from online_models.users import (
    MAX_AFFINITIES,
    MAX_ANONYMOUS_IDS,
    MAX_RECENT_PRODUCTS,
    MAX_TRAITS,
    CartChange,
    Order,
    Session,
    UserState,
)
from stream.attribution import take_product_click, take_promotion
from stream.orders import add_order
from stream.sessions import session_of

VIEW_AFFINITY, CART_AFFINITY, ORDER_AFFINITY = 1.0, 3.0, 5.0
MAX_PIECES = 1e6

STAGES = {
    Name.CART_VIEWED: 1,
    Name.CHECKOUT_STARTED: 2,
    Name.CHECKOUT_STEP_VIEWED: 3,
    Name.CHECKOUT_STEP_COMPLETED: 4,
    Name.PAYMENT_INFO_ENTERED: 5,
    Name.ORDER_COMPLETED: 6,
}


def new_state(occurred_at: int, received_at: int) -> UserState:
    """Return the state of a user of whom nothing is known yet."""
    return UserState(latest_at=occurred_at, first_at=occurred_at, received_at=received_at)


def apply_event(
    state: UserState, event: Event, received_at: int, gap_ms: int
) -> tuple[Session, list[Product]]:
    """Take one event into the state. ``received_at`` is the shard's clock.

    Returns the session it belongs to, and the products that the visitor turned to with it.
    """
    at = event.occurred_at
    if state.n_events:
        move_to(state, at)
        state.first_at = min(state.first_at, at)
    else:  # until now only decisions were known, which date nothing
        state.latest_at = state.first_at = at
    state.received_at = max(state.received_at, received_at)
    state.n_events += 1
    _take_identity(state, event)
    session = session_of(state, at, received_at, gap_ms)
    session.n_events += 1
    if event.context:
        _take_context(state, session, event)
    if event.type in ("page", "screen"):
        _take_page(session, event)
    act = _ACTS.get(event.name) if event.type == "track" else None
    if act is None:
        return session, []
    return session, act(state, session, event, weights_at(at, state.latest_at))


def count_session(state: UserState, session: Session) -> None:
    """Count a session that is over."""
    state.left_at = max(state.left_at, session.end_at)
    state.sessions.add(1.0, weights_at(session.start_at, state.latest_at))


def move_to(state: UserState, at: int) -> None:
    """Make ``at`` the latest event time where it is; move the landmarks when they follow."""
    if at <= state.latest_at:
        return
    steps = steps_between(state.latest_at, at)
    state.latest_at = at
    if steps is None:
        return
    for counter in (state.views, state.carts, state.orders, state.revenue, state.sessions):
        counter.scale(steps)
    for affinities in (state.categories, state.brands, state.price_bands):
        scale_values(affinities, steps[MONTH])


def _take_identity(state: UserState, event: Event) -> None:
    if event.user_id is not None:
        state.user_id = event.user_id
    for anonymous_id in (event.anonymous_id, event.previous_id):
        if anonymous_id is not None:
            remember(state.anonymous_ids, event.occurred_at, anonymous_id, MAX_ANONYMOUS_IDS)
    for name, value in event.traits.items():
        _take_trait(state, name, event.occurred_at, value)
    if event.group_id is not None:
        take_latest(state.traits, "group", event.occurred_at, event.group_id, MAX_TRAITS)


def _take_trait(state: UserState, name: str, at: int, value: object) -> None:
    """Keep short plain values; of an address its city and country."""
    if name == "address" and isinstance(value, dict):
        for part in ("city", "country"):
            if (text := as_text(value.get(part))) is not None:
                take_latest(state.traits, part, at, text, MAX_TRAITS)
    elif isinstance(value, bool | int | float):
        take_latest(state.traits, name[:64], at, value, MAX_TRAITS)
    elif (text := as_text(value)) is not None:
        take_latest(state.traits, name[:64], at, text, MAX_TRAITS)


def _take_context(state: UserState, session: Session, event: Event) -> None:
    context, at = event.context, event.occurred_at
    for name in ("locale", "timezone"):
        if name in context:
            _take_fact(state, name, at, context[name])
    location, device = context.get("location"), context.get("device")
    if isinstance(location, dict):
        _take_fact(state, "city", at, location.get("city"))
        _take_fact(state, "country", at, location.get("country"))
    if isinstance(device, dict) and (kind := as_text(device.get("type"))) is not None:
        _take_fact(state, "device", at, kind)
        session.device = latest(session.device, (at, kind))
    if context.get("consent") is True:
        state.consent = latest(state.consent, (at, True))
    if isinstance(said := context.get("marketing"), bool):
        state.marketing = latest(state.marketing, (at, said))
    _take_origin(session, context, at)


def _take_fact(state: UserState, name: str, at: int, value: object) -> None:
    if (text := as_text(value)) is not None:
        take_latest(state.context, name, at, text, MAX_TRAITS)


def _take_origin(session: Session, context: dict[str, Any], at: int) -> None:
    page, referrer, campaign = context.get("page"), context.get("referrer"), context.get("campaign")
    if isinstance(page, dict):
        if (text := as_text(page.get("referrer"))) is not None:
            session.referrer = earliest(session.referrer, (at, text))
        if (text := as_text(page.get("path"))) is not None:
            session.landing_page = earliest(session.landing_page, (at, text))
    if isinstance(referrer, dict) and (text := as_text(referrer.get("url"))) is not None:
        session.referrer = earliest(session.referrer, (at, text))
    if isinstance(campaign, dict):
        parts = (as_text(campaign.get(name)) for name in ("source", "medium", "name"))
        if text := " / ".join(part for part in parts if part):
            session.campaign = earliest(session.campaign, (at, text))


def _take_page(session: Session, event: Event) -> None:
    session.n_pages += 1
    path = as_text(event.properties.get("path")) or event.name
    if path:
        session.landing_page = earliest(session.landing_page, (event.occurred_at, path[:256]))


def _view(state: UserState, session: Session, event: Event, weights: Weights) -> list[Product]:
    state.views.add(1.0, weights)
    session.n_views += 1
    products = products_of(event)
    for product in products:
        remember(state.viewed, event.occurred_at, product.product_id, MAX_RECENT_PRODUCTS)
        _like(state, product, VIEW_AFFINITY * weights.month)
        if state.shown:
            note_turned_to(state.shown, product.product_id, event.occurred_at, state.viewed)
    return products


def _see_list(state: UserState, session: Session, event: Event, weights: Weights) -> list[Product]:
    """Remember impressions, so that what is passed over again and again can make room."""
    names = [product.product_id for product in products_of(event)]
    note_shown(state.shown, names, event.occurred_at, state.viewed)
    return []


def _click(state: UserState, session: Session, event: Event, weights: Weights) -> list[Product]:
    for product in products_of(event):
        note_turned_to(state.shown, product.product_id, event.occurred_at, state.viewed)
    take_product_click(state, event)
    return []


def _see_promotion(
    state: UserState, session: Session, event: Event, weights: Weights
) -> list[Product]:
    take_promotion(state, event)
    return []


def _add_to_cart(
    state: UserState, session: Session, event: Event, weights: Weights
) -> list[Product]:
    state.carts.add(1.0, weights)
    session.n_carts += 1
    products = products_of(event)
    for product in products:
        remember(state.carted, event.occurred_at, product.product_id, MAX_RECENT_PRODUCTS)
        _like(state, product, CART_AFFINITY * weights.month)
    _change_cart(state, event, products, sign=1.0)
    return products


def _remove_from_cart(
    state: UserState, session: Session, event: Event, weights: Weights
) -> list[Product]:
    _change_cart(state, event, products_of(event), sign=-1.0)
    return []


def _see_cart(state: UserState, session: Session, event: Event, weights: Weights) -> list[Product]:
    """Take a listed cart for the whole cart as of now."""
    _reach_stage(state, session, event, weights)
    products = products_of(event)
    if products:
        state.cart_cleared_at = max(state.cart_cleared_at, event.occurred_at - 1)
        _change_cart(state, event, products, sign=1.0)
    return []


def _reach_stage(
    state: UserState, session: Session, event: Event, weights: Weights
) -> list[Product]:
    session.stage = latest(session.stage, (event.occurred_at, STAGES[Name(event.name)]))
    return []


def _order(state: UserState, session: Session, event: Event, weights: Weights) -> list[Product]:
    """Take an order, once per order id; the cart is empty after it."""
    _reach_stage(state, session, event, weights)
    order_id = as_text(event.properties.get("order_id")) or event.message_id
    is_new = all(order.order_id != order_id for order in state.order_history)
    products = products_of(event)
    for product in products:
        remember(state.bought, event.occurred_at, product.product_id, MAX_RECENT_PRODUCTS)
        note_purchase(state.purchases, [event.occurred_at], product.product_id, state.bought)
    revenue, is_discounted = max(revenue_of(event), 0.0), has_discount(event)
    add_order(state, Order(event.occurred_at, order_id, revenue, is_discounted))
    if not is_new:
        return []
    for product in products:
        _like(state, product, ORDER_AFFINITY * weights.month)
    state.cart_cleared_at = max(state.cart_cleared_at, event.occurred_at)
    state.cart = change_cart(state.cart, state.cart_cleared_at, ())
    return products


def _change_cart(state: UserState, event: Event, products: list[Product], sign: float) -> None:
    changes = []
    for product in products:
        if product.quantity is None:
            quantity = 1.0 if sign > 0 else 0.0
        elif product.quantity > 0:
            quantity = sign * min(product.quantity, MAX_PIECES)
        else:
            continue  # no pieces: no change
        changes.append(CartChange(event.occurred_at, product.product_id, quantity, product.price))
    state.cart = change_cart(state.cart, state.cart_cleared_at, changes)


def _like(state: UserState, product: Product, amount: float) -> None:
    if product.category is not None:
        _add_affinity(state.categories, product.category, amount)
    if product.brand is not None:
        _add_affinity(state.brands, product.brand, amount)
    if product.price is not None and product.price > 0:
        _add_affinity(state.price_bands, price_band(product.price), amount)


def _add_affinity(values: dict[str, float], name: str, amount: float) -> None:
    values[name] = values.get(name, 0.0) + amount
    if len(values) > MAX_AFFINITIES:
        keep_largest(values, MAX_AFFINITIES)


def price_band(price: float) -> str:
    """Return the price's band, a doubling each: the power of two at or below it.

    >>> price_band(9.99), price_band(0.3)
    ('8', '0.25')
    """
    return _band_name(frexp(price)[1] - 1)


@cache
def _band_name(exponent: int) -> str:
    return f"{2.0**exponent:g}"


_ACTS: dict[str, Callable[[UserState, Session, Event, Weights], list[Product]]] = {
    Name.PRODUCT_LIST_VIEWED: _see_list,
    Name.PRODUCT_CLICKED: _click,
    Name.PRODUCT_VIEWED: _view,
    Name.PRODUCT_ADDED: _add_to_cart,
    Name.PRODUCT_REMOVED: _remove_from_cart,
    Name.CART_VIEWED: _see_cart,
    Name.CHECKOUT_STARTED: _reach_stage,
    Name.CHECKOUT_STEP_VIEWED: _reach_stage,
    Name.CHECKOUT_STEP_COMPLETED: _reach_stage,
    Name.PAYMENT_INFO_ENTERED: _reach_stage,
    Name.ORDER_COMPLETED: _order,
    Name.PROMOTION_VIEWED: _see_promotion,
    Name.PROMOTION_CLICKED: _see_promotion,
    Name.PROMOTION_DISMISSED: _see_promotion,
}

"""Bounded parts of a user's state that do not depend on the order in which events arrive."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from online_models.users import MAX_CART_CHANGES, CartChange, Dated


class CartLine(NamedTuple):
    """What lies in the cart of one product."""

    quantity: float
    price: float | None


def remember(recent: list[Dated], at: int, name: str, most: int) -> None:
    """Put a name into a list of distinct names, newest first (ties by name), in place.

    >>> viewed = [(9, "hat"), (5, "boots")]
    >>> remember(viewed, 7, "boots", most=20)
    >>> viewed
    [(9, 'hat'), (7, 'boots')]
    """
    names = [known for _, known in recent]
    if name in names:
        index = names.index(name)
        if recent[index][0] >= at:
            return
        del recent[index]
    place = 0
    while place < len(recent) and (-recent[place][0], recent[place][1]) < (-at, name):
        place += 1
    recent.insert(place, (at, name))
    del recent[most:]


def take_latest(
    values: dict[str, tuple[int, Any]], name: str, at: int, value: object, most: int
) -> None:
    """Set a value unless a later one is known; at one time the larger text wins. In place."""
    known = values.get(name)
    if known is None:
        if len(values) >= most:
            return
    elif known[0] > at or (known[0] == at and repr(known[1]) >= repr(value)):
        return
    values[name] = (at, value)


def earliest(first: Dated | None, second: Dated | None) -> Dated | None:
    """Return the earlier of two dated texts, either of which may be missing."""
    if first is None or second is None:
        return first or second
    return min(first, second)


def latest(first: tuple[int, Any] | None, second: tuple[int, Any] | None) -> tuple[int, Any] | None:
    """Return the later of two dated values, either of which may be missing."""
    if first is None or second is None:
        return first or second
    return max(first, second)


def change_cart(
    changes: list[CartChange], cleared_at: int, new: Iterable[CartChange]
) -> list[CartChange]:
    """Return the cart's changes with new ones put in by time, without those that count no more.

    A change counts no more when the cart was cleared at or after it, or all pieces of its product
    were taken out after it.
    """
    merged = sorted((*changes, *new), key=_cart_order)
    emptied: dict[str, int] = {}
    for change in merged:
        if change.quantity == 0:
            emptied[change.product_id] = change.at
    kept = [
        change
        for change in merged
        if change.at > cleared_at and change.at >= emptied.get(change.product_id, change.at)
    ]
    return kept[-MAX_CART_CHANGES:]


def cart_lines(changes: Iterable[CartChange]) -> dict[str, CartLine]:
    """Return what lies in the cart: product id to line, in order of first putting in.

    >>> cart_lines([CartChange(1, "hat", 2.0, 9.5), CartChange(2, "hat", -1.0)])
    {'hat': CartLine(quantity=1.0, price=9.5)}
    """
    quantities: dict[str, float] = {}
    prices: dict[str, float | None] = {}
    for change in changes:
        name, quantity = change.product_id, change.quantity
        if quantity:
            quantity += quantities.get(name, 0.0)
        quantities[name] = quantity if quantity > 0.0 else 0.0
        if change.price is not None:
            prices[name] = change.price
    return {
        name: CartLine(quantity, prices.get(name))
        for name, quantity in quantities.items()
        if quantity
    }


def _cart_order(change: CartChange) -> tuple[int, str, float, float]:
    return (
        change.at,
        change.product_id,
        change.quantity,
        -1.0 if change.price is None else change.price,
    )

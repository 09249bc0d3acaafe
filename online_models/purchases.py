"""When a visitor bought what, and what is due again. Bounded, pure."""

from collections.abc import Iterable
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

from config.durations import DAY_MS
from online_models.users import MAX_PURCHASES, Dated, UserState

USUAL_INTERVAL_MS = 30 * DAY_MS  # where a visitor's own orders tell nothing
EARLY = 0.8  # of an interval, from which on a product is due again


class Due(NamedTuple):
    """A product that is due again; ``lateness`` 1 is on the day; ``n_bought`` as far as known."""

    product_id: str
    lateness: float
    n_bought: int


def note_purchase(
    purchases: dict[str, list[int]], times: Iterable[int], product_id: str, bought: list[Dated]
) -> None:
    """Take in when a product was bought, in place; only what stands in ``bought`` is kept.

    >>> purchases = {"tea": [5]}
    >>> note_purchase(purchases, [9], "tea", bought=[(9, "tea")])
    >>> purchases
    {'tea': [9, 5]}
    """
    known = {*purchases.get(product_id, ()), *times}
    purchases[product_id] = sorted(known, reverse=True)[:MAX_PURCHASES]
    kept = {name for _, name in bought}
    for name in [name for name in purchases if name not in kept]:
        del purchases[name]


def due_again(user: UserState, now: int) -> list[Due]:
    """Return what is due again at ``now``: what is bought regularly first, the most overdue ahead.

    A product bought on several days is due after their mean interval; one bought once, when the
    visitor's next order is: after the mean interval of the orders.
    """
    between_orders = _mean_interval([order.at for order in user.order_history])
    due = []
    for last_at, product_id in user.bought:
        own = _mean_interval(user.purchases.get(product_id, ()))
        lateness = (now - last_at) / (own or between_orders or USUAL_INTERVAL_MS)
        if lateness >= EARLY:
            due.append(Due(product_id, lateness, 2 if own else 1))
    return sorted(due, key=lambda one: (-one.n_bought, -min(one.lateness, 3.0), one.product_id))


def _mean_interval(times: Iterable[int]) -> float:
    """Return the mean time between days with a purchase; 0 where there is only one."""
    # An order that page and till both tell has two times, seconds apart.
    gaps = [later - earlier for later, earlier in pairwise(times) if later - earlier >= DAY_MS]
    return fmean(gaps) if gaps else 0.0

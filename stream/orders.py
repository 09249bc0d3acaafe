"""Orders of a user: each order id counts once, also where page and till both tell it. Pure."""

from online_models.decay import weights_at
from online_models.users import MAX_ORDERS, Order, UserState
from stream.exposures import count_for_experiments


def add_order(state: UserState, order: Order) -> None:
    """Count an order; of one that is told twice, by page and till, the earlier counts."""
    known = next((o for o in state.order_history if o.order_id == order.order_id), None)
    if known is not None:
        if earliness(known) <= earliness(order):
            return
        state.order_history.remove(known)
        count_order(state, known, -1.0)
    count_order(state, order, 1.0)
    newest_first = sorted([*state.order_history, order], key=lambda o: (-o.at, o.order_id))
    state.order_history = newest_first[:MAX_ORDERS]


def earliness(order: Order) -> tuple[int, float, bool]:
    """Return what of two tellings of an order the smaller counts by."""
    return order.at, order.revenue, order.is_discounted


def count_order(state: UserState, order: Order, sign: float) -> None:
    """Put an order into the counters, its open session and experiments, or take it out again."""
    weights = weights_at(order.at, state.latest_at)
    state.orders.add(sign, weights)
    state.revenue.add(sign * order.revenue, weights)
    for session in state.open_sessions:
        if session.start_at <= order.at <= session.end_at:
            session.n_orders += int(sign)
            session.revenue += sign * order.revenue
    if state.exposures:
        count_for_experiments(state.exposures, order, sign)

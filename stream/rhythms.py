"""A customer's rhythm of orders in the state, and the curves of all customers. Pure."""

import structlog

from config.examples import Waited
from online_models.curves import Curves, InvalidCurves, decode_curves
from online_models.rhythm import N_BINS, follow, next_at, order_times
from online_models.rhythm_model import RhythmModel
from online_models.users import UserState

log = structlog.get_logger()

NOTHING_LEARNED = RhythmModel().curves()


def follow_orders(state: UserState, curves: Curves) -> list[Waited]:
    """Bring the rhythm up to the orders, in place; return what models learn of it."""
    if not state.order_history:
        return []
    times = order_times([order.at for order in state.order_history])
    state.rhythm, examples = follow(state.rhythm, times, curves.usual_ms)
    return examples


def due_at(state: UserState) -> int | None:
    """Return when (ms) the customer's silence has lasted through one more bin."""
    if state.rhythm is None or state.rhythm.taught >= N_BINS:
        return None
    return next_at(state.rhythm)


def read_curves(data: bytes | None) -> Curves:
    """Return a shard's curves; where they cannot be read, those of nothing learned."""
    if data is None:
        return NOTHING_LEARNED
    try:
        return decode_curves(data)
    except InvalidCurves as error:
        log.warning("rhythm_left_out", error=str(error))
        return NOTHING_LEARNED

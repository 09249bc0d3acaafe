"""What the models may learn of one user. Pure.

Nobody teaches them much alone: of one user a product counts ``MAX_TAUGHT_TIMES`` times a day, the
choices of a placement ``MAX_TAUGHT_CHOICES`` times, moments of visits ``MAX_TAUGHT_MOMENTS`` times,
and ``MAX_TAUGHT`` of all these together. So a bot, or somebody who reloads a page all day, adds to
what is shown to others no more than a few visits would. Sums of experiments are of visitors, each
of whom counts once, and know no such bound.
"""

from config.commerce import Name, Product
from config.durations import DAY_MS
from config.events import Event
from config.examples import Action, Example, Rewarded, Touched, Visited
from online_models.users import (
    MAX_TAUGHT_CHOICES,
    MAX_TAUGHT_MOMENTS,
    MAX_TAUGHT_TIMES,
    Session,
    UserState,
)
from stream.taught import take

_ACTIONS: dict[str, Action] = {
    Name.PRODUCT_VIEWED: "view",
    Name.PRODUCT_ADDED: "cart",
    Name.ORDER_COMPLETED: "order",
}


def examples_of(
    event: Event, state: UserState, session: Session, products: list[Product], session_key: int
) -> list[Touched]:
    """Return an example for each product turned to, as far as the user may teach today."""
    action = _ACTIONS.get(event.name)
    if action is None:
        return []
    return [
        Touched(
            product_id=product.product_id,
            action=action,
            occurred_at=event.occurred_at,
            session=session_key,
            category=product.category,
        )
        for product in products
        if _is_of_the_day(state, event.occurred_at)
        and _may_teach(state, f"{action}:{product.product_id}", MAX_TAUGHT_TIMES)
    ]


def may_teach(state: UserState, example: Example, clock: int) -> bool:
    """Tell whether what came of a choice or a visit still counts, and count it, in place.

    It counts on the day on which it is over, by the shard's clock (ms).
    """
    if isinstance(example, Rewarded):
        what, times = f"choice:{example.placement}", MAX_TAUGHT_CHOICES
    elif isinstance(example, Visited):
        what, times = "moment", MAX_TAUGHT_MOMENTS
    else:
        return True
    _is_of_the_day(state, clock)
    return _may_teach(state, what, times)


def _is_of_the_day(state: UserState, at: int) -> bool:
    """Tell whether a time (ms) is of the day that is counted, which begins anew with a later one.

    A step that is late by a day or more teaches nothing: its day's count is gone.
    """
    day = at // DAY_MS
    if day > state.taught_day:
        state.taught_day, state.taught = day, b""
    return day == state.taught_day


def _may_teach(state: UserState, what: str, times: int) -> bool:
    taught = take(state.taught, what, times)
    if taught is None:
        return False
    state.taught = taught
    return True

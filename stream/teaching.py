"""What the models may learn from an event that was just applied. Pure.

Nobody teaches them much alone: of one user a product counts ``MAX_TAUGHT_TIMES`` times a day, and
``MAX_TAUGHT`` steps count in all. So a bot, or somebody who reloads a page all day, adds to what
is shown to others no more than a few visits would.
"""

from config.commerce import Name, Product
from config.events import Event
from config.examples import Action, Touched
from config.keys import DAY_MS
from online_models.users import Session, UserState
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
        if _may_teach(state, f"{action}:{product.product_id}", event.occurred_at)
    ]


def _may_teach(state: UserState, what: str, at: int) -> bool:
    """Tell whether a step still counts, and count it, in place.

    What is late by a day or more teaches nothing: its day's count is gone.
    """
    day = at // DAY_MS
    if day > state.taught_day:
        state.taught_day, state.taught = day, b""
    if day < state.taught_day:
        return False
    taught = take(state.taught, what)
    if taught is None:
        return False
    state.taught = taught
    return True

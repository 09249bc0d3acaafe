"""What the models may learn from an event that was just applied. Pure."""

from config.commerce import Name, Product
from config.events import Event
from config.examples import MAX_BEFORE, Action, Touched
from online_models.users import Dated, Session

_ACTIONS: dict[str, Action] = {
    Name.PRODUCT_VIEWED: "view",
    Name.PRODUCT_ADDED: "cart",
    Name.ORDER_COMPLETED: "order",
}


def examples_of(
    event: Event, session: Session, products: list[Product], viewed: list[Dated]
) -> list[Touched]:
    """Return an example for each product turned to; ``viewed``: the last few before it."""
    action = _ACTIONS.get(event.name)
    if action is None or not products:
        return []
    at, start_at = event.occurred_at, session.start_at
    earlier = [name for seen_at, name in viewed if start_at <= seen_at <= at]
    return [
        Touched(
            product_id=product.product_id,
            action=action,
            occurred_at=at,
            session_at=start_at,
            category=product.category,
            before=tuple([name for name in earlier if name != product.product_id][:MAX_BEFORE]),
        )
        for product in products
    ]

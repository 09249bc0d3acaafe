"""Pure: which products must not be suggested to a visitor, whoever would suggest them."""

from online_models.bounded import cart_lines
from online_models.shown import ignored
from online_models.users import UserState
from serving.rules import Excluded
from serving.schemas import Request


def barred_products(
    request: Request, user: UserState | None, excluded: Excluded, now: int
) -> set[str]:
    """Return what lies before the visitor, is excluded by the request or by the placement."""
    barred: set[str] = set()
    if request.options is not None:
        barred.update(str(product_id) for product_id in request.options.exclude)
    current = request.page_product()
    if current is not None:
        barred.add(current)
    if excluded.in_cart:
        barred.update(str(line.product_id) for line in request.cart_lines())
    if user is not None:
        if excluded.in_cart:
            barred.update(cart_lines(user.cart))
        for dated, age_ms in ((user.bought, excluded.bought_ms), (user.viewed, excluded.viewed_ms)):
            if age_ms:
                barred.update(name for at, name in dated if now - at < age_ms)
    return barred


def resting_products(user: UserState, excluded: Excluded, now: int) -> set[str]:
    """Return what was shown so often, and passed over, that it makes room for a while."""
    return ignored(user.shown, excluded.rotate_after, now - excluded.rotate_ms)

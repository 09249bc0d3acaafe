"""Pure: which products must not be suggested to a visitor, whoever would suggest them."""

from online_models.bounded import cart_lines
from online_models.users import UserState
from serving.schemas import Request

JUST_BOUGHT_MS = 30 * 24 * 60 * 60 * 1000


def barred_products(request: Request, user: UserState | None, now: int) -> set[str]:
    """Return what is in the cart, was just bought, lies before the visitor or is excluded."""
    barred: set[str] = set()
    if request.options is not None:
        barred.update(str(product_id) for product_id in request.options.exclude)
    current = request.page_product()
    if current is not None:
        barred.add(current)
    barred.update(str(line.product_id) for line in request.cart_lines())
    if user is not None:
        barred.update(cart_lines(user.cart))
        barred.update(name for at, name in user.bought if now - at < JUST_BOUGHT_MS)
    return barred

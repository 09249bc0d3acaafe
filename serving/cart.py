"""Pure: what lies in the cart of who asks, and what conditions are told of it."""

from collections.abc import Mapping

from online_models.bounded import cart_lines
from online_models.users import UserState
from serving.choices import Shelf
from serving.lazy import lazy
from serving.schemas import Request

Lines = Mapping[str, tuple[float, float | None]]  # pieces and price, by product


class Cart:
    """The cart of one request; each part is worked out when it is needed."""

    def __init__(self, lines: Lines, shelf: Shelf) -> None:
        self.lines = lines
        self._shelf = shelf

    @lazy
    def categories(self) -> set[str]:
        """The categories of what lies in it."""
        items = (self._shelf.item(name) for name in self.lines)
        return {item.category for item in items if item is not None and item.category is not None}

    @lazy
    def value(self) -> float:
        """What it is worth, at the catalog's prices where no other is said."""
        return sum(
            pieces * (self._price(name) if price is None else price)
            for name, (pieces, price) in self.lines.items()
        )

    def fact(self, field: str) -> object:
        """Return what conditions read as a field of ``cart``."""
        if field == "products":
            return list(self.lines)
        if field == "categories":
            return sorted(self.categories)
        if field == "brands":
            items = [self._shelf.item(name) for name in self.lines]
            return sorted({item.brand for item in items if item is not None and item.brand})
        if field == "value":
            return float(self.value)
        if field == "n_products":
            return len(self.lines)
        return float(sum(pieces for pieces, _ in self.lines.values()))  # n_pieces

    def _price(self, product_id: str) -> float:
        item = self._shelf.item(product_id)
        return (item.price or 0.0) if item is not None else 0.0


def lines_in(request: Request, user: UserState | None) -> Lines:
    """Return the lines of the cart: the request's, where it tells one, else the remembered."""
    if request.cart is None:
        return cart_lines(user.cart) if user is not None else {}
    lines: dict[str, tuple[float, float | None]] = {}
    for line in request.cart_lines():
        pieces, price = lines.get(str(line.product_id), (0.0, None))
        lines[str(line.product_id)] = (
            pieces + line.quantity,
            price if line.price is None else line.price,
        )
    return lines

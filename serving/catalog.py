"""The shop's products as decisions see them: followed, and encoded once for all answers."""

import msgspec

from config.catalog import Item, decode_item
from serving.reasons import Why, why_product


class _Shown(msgspec.Struct, frozen=True):
    """A product in an answer, but for the reason."""

    id: str
    name: str | None
    price: float | None
    link: str | None
    image: str | None
    category: str | None
    brand: str | None


_encode = msgspec.json.Encoder().encode


class Catalog:
    """Products by id, with the bytes that answers are made of.

    A product is ``beginning`` + ``reason``: what is said of itself, and why it is shown.
    """

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._available: set[str] = set()
        self._beginnings: dict[str, bytes] = {}
        self._after: dict[str, bytes] = {}

    def __len__(self) -> int:
        """Return how many products there are."""
        return len(self._items)

    def put(self, product_id: str, data: bytes | None) -> None:
        """Take a product as it lies in Redis, None where there is none any more.

        Raises:
            InvalidProduct: it cannot be read; the one before stays in use.
        """
        if data is None:
            self._items.pop(product_id, None)
            self._available.discard(product_id)
        else:
            item = self._items[product_id] = decode_item(data)
            (self._available.add if item.is_available() else self._available.discard)(product_id)
        self._beginnings.pop(product_id, None)
        self._after.pop(product_id, None)

    def may_suggest(self, product_id: str) -> bool:
        """Tell whether a product is for sale; without a catalog, every one is."""
        return product_id in self._available or not self._items

    def item(self, product_id: str) -> Item | None:
        """Return what the catalog says of a product."""
        return self._items.get(product_id)

    def shown(self, product_id: str, why: Why, of: str | None) -> bytes:
        """Return a product as JSON, with the reason it is shown for."""
        beginning = self._beginnings.get(product_id)
        if beginning is None:
            beginning = self._begin(product_id)
        if why is not Why.AFTER or of is None:
            return beginning + _ending(why_product(why, of), None)
        after = self._after.get(of)
        return beginning + (self._reason_after(of) if after is None else after)

    def _begin(self, product_id: str) -> bytes:
        item = self._items.get(product_id)
        if item is None:
            # Not kept: any id may come up, and there is no end to them.
            return _open(_Shown(product_id, None, None, None, None, None, None))
        shown = _Shown(
            product_id,
            item.name,
            item.price,
            item.link or None,
            item.image or None,
            item.category,
            item.brand,
        )
        beginning = self._beginnings[product_id] = _open(shown)
        return beginning

    def _reason_after(self, product_id: str) -> bytes:
        item = self._items.get(product_id)
        if item is None:
            return _ending(why_product(Why.AFTER, None), product_id)
        after = self._after[product_id] = _ending(why_product(Why.AFTER, item.name), product_id)
        return after


def _open(shown: _Shown) -> bytes:
    return _encode(shown)[:-1]


def _ending(reason: str, because: str | None) -> bytes:
    return b',"reason":' + _encode(reason) + b',"because":' + _encode(because) + b"}"

"""The shop's products as decisions see them: followed, and encoded once for all answers."""

from collections.abc import Iterator, Set
from sys import intern

import msgspec

from config.catalog import Item, decode_item
from config.conditions import Test
from serving.choices import Pick
from serving.conditions import Matching
from serving.newest import Newest
from serving.reasons import LED, Why, why_product


class _Shown(msgspec.Struct, frozen=True):
    """A product in an answer, but for the reason."""

    id: str
    name: str | None
    price: float | None
    link: str | None
    image: str | None
    category: str | None
    brand: str | None


_MAX_KEPT_ENDINGS = 20_000  # any text may come up as a category

_Ending = tuple[Why, str | None, str]  # reason, what led to it, and step

_encode = msgspec.json.Encoder().encode


class Catalog:
    """Products by id, with the bytes that answers are made of.

    A product is ``beginning`` + ``reason``: what is said of itself, and why it is shown.
    """

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._for_sale: set[str] = set()
        self._is_kept = False
        self._newest = Newest(self._items)
        self._matching = Matching((), lambda _: None)
        self._beginnings: dict[str, bytes] = {}
        self._endings: dict[_Ending, bytes] = {}

    def __len__(self) -> int:
        """Return how many products there are."""
        return len(self._items)

    def begin(self) -> None:
        """Take in that the shop keeps a catalog: from here on nothing else is for sale."""
        self._is_kept = True

    def put(self, product_id: str, data: bytes | None) -> None:
        """Take a product as it lies in Redis, None where there is none any more.

        Raises:
            InvalidProduct: it cannot be read; the one before stays in use.
        """
        item = None if data is None else decode_item(data)
        product_id = intern(product_id)  # the model's own text: what is the same compares faster
        self._is_kept = True
        old = self._items.pop(product_id, None) if item is None else self._items.get(product_id)
        if item is not None:
            self._items[product_id] = item
        is_for_sale = item is not None and item.is_available()
        (self._for_sale.add if is_for_sale else self._for_sale.discard)(product_id)
        self._newest.put(old, item)
        self._matching.put(product_id, item if is_for_sale else None)
        self._beginnings.pop(product_id, None)
        if _name_of(old) != _name_of(item):
            self._endings.clear()  # those that name it are among them

    def match(self, matching: Matching) -> None:
        """Keep up, from now on, for which products conditions hold."""
        self._matching = matching
        for product_id in self._for_sale:
            matching.put(product_id, self._items[product_id])

    def for_sale(self, test: Test | None = None) -> Set[str] | None:
        """Return what is for sale, and passes a test; None: without a catalog, everything."""
        if test is not None:
            return self._matching.of(test)
        return self._for_sale if self._is_kept else None

    def item(self, product_id: str) -> Item | None:
        """Return what the catalog says of a product."""
        return self._items.get(product_id)

    def newest(self, category: str = "") -> Iterator[str]:
        """Yield the newest products, of a category or of all, bounded."""
        return self._newest.of(category)

    def shown(self, pick: Pick) -> bytes:
        """Return a product as JSON, with the reason it is shown for."""
        beginning = self._beginnings.get(pick.product_id)
        if beginning is None:
            beginning = self._begin(pick.product_id)
        ending = self._ending(pick)
        return beginning + (ending[:-1] + b',"explored":true}' if pick.explored else ending)

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

    def _ending(self, pick: Pick) -> bytes:
        key = (pick.why, pick.of, pick.step)
        ending = self._endings.get(key)
        if ending is None:
            if len(self._endings) >= _MAX_KEPT_ENDINGS:
                self._endings.clear()
            ending = self._endings[key] = self._end(pick)
        return ending

    def _end(self, pick: Pick) -> bytes:
        reason, because = why_product(pick.why, pick.of), None
        if pick.why in LED and pick.of is not None:
            reason = why_product(pick.why, _name_of(self._items.get(pick.of)))
            because = pick.of
        said = {"reason": reason, "because": because, "step": pick.step}
        return b"," + _encode(said)[1:]


def _name_of(item: Item | None) -> str | None:
    return None if item is None else item.name


def _open(shown: _Shown) -> bytes:
    return _encode(shown)[:-1]

"""Changes of products that customers who looked at them may want to hear of, or not any more.

The catalog's writer appends them to one stream, in the transaction that changes the catalog; their
id there, a log id, is the version of a change. Owners of shards read it (``stream/watchers.py``).
"""

from hashlib import blake2b

import msgspec

from config.catalog import Item
from config.errors import ShopkeeperError

CHANGES_FIELD = b"c"
CHANGES_AN_ENTRY = 10  # an entry is taken in whole, with all whom it concerns
LOW_STOCK = 20  # pieces; above it nobody is told of stock
MARK_BYTES = 6


class ProductChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product before and after; ``stock`` None is not counted, and as good as plenty."""

    product_id: str
    old_price: float | None
    price: float | None
    old_stock: int | None
    stock: int | None

    def price_drop(self) -> float:
        """Return by what share of the old price it became cheaper, 0 where it did not.

        >>> ProductChange("hat", 10.0, 8.0, None, None).price_drop()
        0.2
        """
        if self.old_price is None or self.price is None or self.price >= self.old_price:
            return 0.0
        return (self.old_price - self.price) / self.old_price

    def is_dearer(self) -> bool:
        """Tell whether its price rose, or is not known any more."""
        if self.old_price is None:
            return False
        return self.price is None or self.price > self.old_price

    def is_back_in_stock(self) -> bool:
        """Tell whether it was sold out, and is for sale again."""
        return self.old_stock == 0 and self.stock != 0

    def is_sold_out(self) -> bool:
        """Tell whether it is with this change that none is left."""
        return self.old_stock != 0 and self.stock == 0

    def is_low_on_stock(self, pieces: int) -> bool:
        """Tell whether it is with this change that at most so many pieces are left, and some.

        >>> ProductChange("hat", None, None, 6, 5).is_low_on_stock(5)
        True
        >>> ProductChange("hat", None, None, 5, 4).is_low_on_stock(5)
        False
        """
        had_more = self.old_stock is None or self.old_stock > pieces
        return had_more and self.stock is not None and 0 < self.stock <= pieces


class InvalidChanges(ShopkeeperError):
    """The bytes are no changes of products that this version can read."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[ProductChange])


def change_between(old: Item | None, new: Item | None) -> ProductChange | None:
    """Return what customers may want to hear of, or not any more; None where there is nothing.

    A product that is new, or gone, is no change: nobody looked at it, or nobody can buy it.
    """
    if old is None or new is None:
        return None
    has_new_price = old.price is not None and old.price != new.price
    has_new_stock = old.stock != new.stock and (_is_low(old.stock) or _is_low(new.stock))
    if not has_new_price and not has_new_stock:
        return None
    return ProductChange(new.id, old.price, new.price, old.stock, new.stock)


def encode_changes(changes: list[ProductChange]) -> bytes:
    """Return the bytes of one entry of the stream."""
    return _encoder.encode(changes)


def decode_changes(data: bytes) -> list[ProductChange]:
    """Return the changes of an entry.

    Raises:
        InvalidChanges: they cannot be read.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidChanges(f"changes of products cannot be read: {error}") from error


def product_mark(product_id: str) -> bytes:
    """Return a short hash that stands for a product where many of them are kept.

    Two products of one shop hardly ever share one; who looks something up checks the product.
    """
    return blake2b(product_id.encode(), digest_size=MARK_BYTES).digest()


def _is_low(stock: int | None) -> bool:
    return stock is not None and stock <= LOW_STOCK

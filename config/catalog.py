"""A product of the shop's catalog, as ``PUT /v1/catalog`` and ``catalog import`` take it."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from config.errors import ShopkeeperError

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Link = Annotated[str, msgspec.Meta(max_length=2048)]


class InvalidProduct(ShopkeeperError):
    """A line of a catalog that is no product; the text says what is wrong with it."""


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A product: ``price`` in the shop's currency, ``stock`` in pieces (None: not counted).

    ``added_at`` (ms) is when the shop began to sell it; the server stamps it unless the line says.
    """

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    name: Text
    category: Text | None = None
    brand: Text | None = None
    price: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None
    stock: Annotated[int, msgspec.Meta(ge=0, le=10**9)] | None = None
    link: Link = ""
    image: Link = ""
    description: Annotated[str, msgspec.Meta(max_length=5000)] = ""
    added_at: Annotated[int, msgspec.Meta(ge=0, le=10**14)] | None = None

    def is_available(self) -> bool:
        """Tell whether it may be suggested: pieces are left, or nobody counts them."""
        return self.stock is None or self.stock > 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Item)


def encode_item(item: Item) -> bytes:
    """Return a product's bytes (JSON, to be read with any Redis client)."""
    return _encoder.encode(item)


def decode_item(data: bytes) -> Item:
    """Return the product that these bytes are.

    Raises:
        InvalidProduct: they are none.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidProduct(str(error)) from error


def item_of(fields: dict[str, Any]) -> Item:
    """Return the product that parsed fields describe, digits in texts read as numbers.

    >>> item_of({"id": "hat", "name": "Hat", "added_at": "2026-03-01T12:00:00Z"}).added_at
    1772366400000

    Raises:
        InvalidProduct: they describe none; the text names the field and what is allowed.
    """
    added_at = fields.get("added_at")
    if isinstance(added_at, str) and not added_at.isdigit():
        fields = {**fields, "added_at": _ms_of(added_at)}
    try:
        return msgspec.convert(fields, Item, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidProduct(str(error)) from error


def _ms_of(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidProduct(
            "added_at: ms since 1970 or a time like 2026-03-01T12:00:00Z"
        ) from error
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)

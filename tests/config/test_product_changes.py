import pytest

from config.catalog import Item
from config.product_changes import (
    LOW_STOCK,
    InvalidChanges,
    ProductChange,
    change_between,
    decode_changes,
    encode_changes,
)

LOW = LOW_STOCK


def an_item(price: float | None = 10.0, stock: int | None = None) -> Item:
    return Item(id="hat", name="Hat", price=price, stock=stock)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (an_item(10.0), an_item(9.99)),
        (an_item(stock=0), an_item(stock=100)),
        (an_item(stock=0), an_item(stock=None)),
        (an_item(stock=LOW + 5), an_item(stock=LOW)),
        (an_item(stock=2), an_item(stock=1)),
        (an_item(stock=None), an_item(stock=1)),
        (an_item(10.0), an_item(12.0)),
        (an_item(10.0), an_item(None)),
        (an_item(stock=100), an_item(stock=0)),
        (an_item(stock=5), an_item(stock=100)),
    ],
    ids=[
        "cheaper",
        "back",
        "back, not counted",
        "low",
        "lower",
        "counted and low",
        "dearer",
        "no price",
        "sold out",
        "plenty again",
    ],
)
def test_what_customers_may_want_to_hear_of_or_not_any_more(old: Item, new: Item) -> None:
    change = ProductChange("hat", old.price, new.price, old.stock, new.stock)
    assert change_between(old, new) == change


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (an_item(), an_item()),
        (an_item(None), an_item(9.0)),
        (an_item(stock=100), an_item(stock=LOW + 1)),
        (None, an_item()),
        (an_item(), None),
    ],
    ids=["same", "priced", "plenty", "new", "gone"],
)
def test_what_nobody_is_told_of(old: Item | None, new: Item | None) -> None:
    assert change_between(old, new) is None


def test_a_price_may_fall_to_nothing() -> None:
    assert ProductChange("hat", 10.0, 0.0, None, None).price_drop() == 1.0
    assert ProductChange("hat", 0.0, 0.0, None, None).price_drop() == 0.0


def test_changes_go_through_their_bytes() -> None:
    changes = [ProductChange("hat", 10.0, 9.5, None, 3), ProductChange("cap", None, None, 0, 1)]
    assert decode_changes(encode_changes(changes)) == changes


def test_what_is_no_changes_is_told() -> None:
    with pytest.raises(InvalidChanges, match="cannot be read"):
        decode_changes(b"\x91\x01")

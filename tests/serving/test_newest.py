"""The newest products follow a catalog that changes, whatever the order of its changes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from config.catalog import Item, encode_item
from serving import newest
from serving.catalog import Catalog

CHANGES = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.none() | st.tuples(st.integers(0, 5), st.sampled_from([None, "x", "y"])),
    ),
    max_size=80,
)


@settings(max_examples=200, deadline=None)
@given(changes=CHANGES)
def test_the_newest_are_those_that_a_look_at_the_whole_catalog_finds(
    changes: list[tuple[int, tuple[int, str | None] | None]],
) -> None:
    catalog = Catalog()
    there: dict[str, Item] = {}
    for number, change in changes:
        name = f"p{number:02}"
        if change is None:
            catalog.put(name, None)
            there.pop(name, None)
        else:
            item = there[name] = Item(id=name, name=name, added_at=change[0], category=change[1])
            catalog.put(name, encode_item(item))
    for category in ("", "x", "y"):
        fitting = [item for item in there.values() if category in ("", item.category)]
        fitting.sort(key=lambda item: (-(item.added_at or 0), item.id))
        assert list(catalog.newest(category)) == [item.id for item in fitting]


def test_a_list_stays_bounded_and_older_products_come_back_when_newer_ones_go() -> None:
    catalog = Catalog()
    n_products = newest.MAX_NEWEST + 50
    for n in range(n_products):
        catalog.put(f"p{n}", encode_item(Item(id=f"p{n}", name="-", added_at=n)))
    assert list(catalog.newest()) == [f"p{n}" for n in range(n_products - 1, 49, -1)]
    for n in range(100, n_products):
        catalog.put(f"p{n}", None)
    assert list(catalog.newest()) == [f"p{n}" for n in range(99, -1, -1)]

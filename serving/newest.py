"""Pure: the newest products of the shop and of each category, kept while a catalog changes."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping

from config.catalog import Item

MAX_NEWEST = 200  # of the shop, and of each category
_Place = tuple[int, str]  # newest first: minus the time, then the id


class Newest:
    """Ids of products, the newest first, at most ``MAX_NEWEST`` of the shop and a category.

    Where more than half of a full list was taken out, it is made anew from ``items``.
    """

    def __init__(self, items: Mapping[str, Item]) -> None:
        self._items = items
        self._places: dict[str, list[_Place]] = {}
        self._cut: set[str] = set()  # lists that lack older products

    def put(self, old: Item | None, new: Item | None) -> None:
        """Take in that a product became another, came (``old`` None) or went (``new`` None)."""
        if old is not None and new is not None and _same_place(old, new):
            return
        if old is not None:
            for name in _lists_of(old):
                self._remove(name, _place(old))
        if new is not None:
            for name in _lists_of(new):
                self._insert(name, _place(new))

    def of(self, category: str = "") -> Iterator[str]:
        """Yield the newest products of a category, or of all."""
        return (product_id for _, product_id in self._places.get(category, ()))

    def _insert(self, name: str, place: _Place) -> None:
        places = self._places.setdefault(name, [])
        if name in self._cut and (not places or place > places[-1]):
            return
        insort(places, place)
        if len(places) > MAX_NEWEST:
            del places[MAX_NEWEST:]
            self._cut.add(name)

    def _remove(self, name: str, place: _Place) -> None:
        places = self._places.get(name, [])
        index = bisect_left(places, place)
        if index < len(places) and places[index] == place:
            del places[index]
        if name in self._cut and len(places) < MAX_NEWEST // 2:
            self._make_anew(name)
        elif not places:
            self._places.pop(name, None)

    def _make_anew(self, name: str) -> None:
        self._places.pop(name, None)
        self._cut.discard(name)
        for item in list(self._items.values()):
            if not name or item.category == name:
                self._insert(name, _place(item))


def _place(item: Item) -> _Place:
    return (-(item.added_at or 0), item.id)


def _lists_of(item: Item) -> Iterable[str]:
    return ("",) if not item.category else ("", item.category)


def _same_place(old: Item, new: Item) -> bool:
    return old.added_at == new.added_at and old.category == new.category

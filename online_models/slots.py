"""Rows of the model's tables by product: a product has a row while it has events in the index."""

from collections.abc import Iterable
from heapq import heappop, heappush
from sys import getsizeof, intern

from online_models.memory import size_of


class Slots:
    """Numbers from 0 for names, the smallest free one first; names come and go.

    >>> slots = Slots()
    >>> slots.take("boots"), slots.take("socks"), slots.take("boots")
    (0, 1, 0)
    >>> slots.free(0)
    >>> slots.take("tent"), slots.number("boots")
    (0, None)
    """

    def __init__(self) -> None:
        self.names: list[str] = []  # "" where a number is free
        self._numbers: dict[str, int] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        """Return how many names have a number."""
        return len(self._numbers)

    def number(self, name: str) -> int | None:
        """Return a name's number, None where it has none."""
        return self._numbers.get(name)

    def numbers(self, names: Iterable[str]) -> list[int]:
        """Return the numbers of those names that have one."""
        return [number for number in map(self._numbers.get, names) if number is not None]

    def take(self, name: str) -> int:
        """Return a name's number, a new one where it has none."""
        known = self._numbers.get(name)
        if known is not None:
            return known
        name = intern(name)  # one text for all who name it: what is the same compares faster
        if self._free:
            number = heappop(self._free)
            self.names[number] = name
        else:
            number = len(self.names)
            self.names.append(name)
        self._numbers[name] = number
        return number

    def n_bytes(self) -> int:
        """Return the bytes of names and numbers."""
        numbers = getsizeof(self._numbers) + size_of(self._numbers.values())
        return size_of(self.names) + numbers + size_of(self._free)

    def free(self, number: int) -> None:
        """Take a number back from its name."""
        del self._numbers[self.names[number]]
        self.names[number] = ""
        heappush(self._free, number)

    def set_names(self, names: list[str]) -> None:
        """Give these names the numbers of their places, and no other name any."""
        self.names = [intern(name) for name in names]
        self._numbers = {name: number for number, name in enumerate(self.names) if name}
        self._free = [number for number, name in enumerate(names) if not name]

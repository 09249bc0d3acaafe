"""The index of steps by name: products come as texts, sessions as keys, and go when they age."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import Ints
from online_models.generators import Evidence, empty_evidence
from online_models.memory import Memory, size_of
from online_models.session_index import (
    COUNT,
    HEAD,
    ITEM,
    LENGTH,
    MAX_SESSION_EVENTS,
    NONE,
    SESSION,
    SessionIndex,
    Visit,
    add_event,
    empty_index,
    empty_visit,
)
from online_models.slots import Slots

MAX_OPEN_SESSIONS = 1 << 17
_MIN_PRODUCTS = 1_024


class Steps:
    """The last ``capacity`` events; a product has a row while it has events among them."""

    def __init__(self, capacity: int, is_new: Callable[[int, str], None] = lambda *_: None) -> None:
        self.capacity = capacity
        self.slots = Slots()
        self.index: SessionIndex = empty_index(capacity, _MIN_PRODUCTS)
        self.evidence: Evidence = empty_evidence(capacity, _MIN_PRODUCTS)
        self.visit: Visit = empty_visit()
        self._is_new = is_new
        # Keys of sessions to the position of their first event. In a plain dict the way to the
        # oldest gets longer with each that is removed: 120 us a session with so many.
        self._sessions: OrderedDict[int, int] = OrderedDict()

    def __len__(self) -> int:
        """Return how many events there ever were."""
        return int(self.index.position[0])

    def add(
        self, session: int, product_id: str, learn: Callable[[int, int], int] | None = None
    ) -> None:
        """Add a step; ``learn`` is handed the session's first event and the row, and adds it.

        Of one session only the first ``MAX_SESSION_EVENTS`` count.
        """
        first = self.first_event(session)
        if first != NONE and self.index.events[first, LENGTH] >= MAX_SESSION_EVENTS:
            return
        position, item = len(self), self._row(product_id)
        oldest = NONE
        if position >= self.capacity:
            oldest = int(self.index.events[position & (self.capacity - 1), ITEM])
        if learn is None:
            add_event(self.index, first, item)
        else:
            learn(first, item)
        if first == NONE:
            self._open(session, position)
        if oldest != NONE and self.index.products[oldest, COUNT] == 0:
            self.slots.free(oldest)

    def set_names(self, names: Sequence[str]) -> None:
        """Give these products the rows of their places, before anything is added."""
        self.slots.set_names(list(names))
        while len(self.index.products) < len(names):
            self._grow(2 * len(self.index.products))

    def free_unseen(self) -> None:
        """Take the rows back from products that have no events."""
        for row, name in enumerate(self.slots.names):
            if name and self.index.products[row, COUNT] == 0:
                self.slots.free(row)

    def first_event(self, session: int | None) -> int:
        """Return the first event of a session, NONE where it is not in the index."""
        position = None if session is None else self._sessions.get(session)
        # The place of the very oldest is about to be used again.
        if position is None or len(self) - position >= self.capacity:
            return NONE
        return position & (self.capacity - 1)

    def n_seen(self, product_id: str) -> int:
        """Return how many events of a product there are."""
        item = self.slots.number(product_id)
        return 0 if item is None else int(self.index.products[item, COUNT])

    def memory(self, more_a_product: int = 0) -> Memory:
        """Return what is held, with so many bytes more of each row of a product."""
        index, evidence, n_rows = self.index, self.evidence, len(self.slots.names)
        n_steps = min(len(self), self.capacity)
        a_row = index.products[0].nbytes + index.recent.itemsize + evidence.place.itemsize
        return Memory(
            len(self.slots),
            len(np.unique(index.events[:n_steps, SESSION])),
            n_steps,
            n_rows * (a_row + more_a_product) + self.slots.n_bytes(),
            size_of(self._sessions),
            n_steps * (index.events[0].nbytes + evidence.visit.itemsize),
        )

    def rows_of(self, products: Sequence[str]) -> Ints:
        """Return the rows of products, in order, those that have none left out."""
        return np.array(self.slots.numbers(products), np.int32)

    def _open(self, session: int, position: int) -> None:
        self._sessions.pop(session, None)
        self._sessions[session] = position
        if len(self._sessions) > MAX_OPEN_SESSIONS:
            self._sessions.popitem(last=False)

    def _row(self, product_id: str) -> int:
        known = self.slots.number(product_id)
        if known is not None:
            return known
        item = self.slots.take(product_id)
        if item >= len(self.index.products):
            self._grow(2 * len(self.index.products))
        self._is_new(item, product_id)
        return item

    def _grow(self, n_products: int) -> None:
        products = longer(self.index.products, n_products)
        products[len(self.index.products) :, HEAD] = NONE
        self.index = self.index._replace(
            products=products, recent=longer(self.index.recent, n_products)
        )
        self.evidence = self.evidence._replace(place=longer(self.evidence.place, n_products))


def longer(values: NDArray[Any], n: int) -> NDArray[Any]:
    """Return a copy with as many rows, zeros at the end."""
    copy = np.zeros((n, *values.shape[1:]), values.dtype)
    copy[: len(values)] = values
    return copy

"""Pure: gives products that hardly anybody has seen a chance, and says which chance it was."""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from serving.choices import Model, Shelf

SELDOM_SEEN = 20  # turned to less often than this
MAX_POOL = 32
KEPT_MS = 10_000
_MAX_KEPT = 1_000


class Explored(NamedTuple):
    """What came of it: the product to show instead, if any, and the chance of what is shown."""

    product_id: str | None
    probability: float


class SeldomSeen:
    """The newest products of a category that hardly anybody has seen.

    Each look asks the model about up to 200 products, so the answer is kept for ten seconds.
    """

    def __init__(self, model: Model, shelf: Shelf) -> None:
        self._model = model
        self._shelf = shelf
        self._kept: dict[str, tuple[int, list[str]]] = {}

    def of(self, category: str, now: int) -> Sequence[str]:
        """Return them as of the last seconds; of all of the shop for ""."""
        kept = self._kept.get(category)
        if kept is None or not kept[0] <= now < kept[0] + KEPT_MS:
            if len(self._kept) >= _MAX_KEPT:
                self._kept.clear()  # pages may ask for any text as a category
            kept = self._kept[category] = (now, self._look(category))
        return kept[1]

    def _look(self, category: str) -> list[str]:
        found = []
        for product_id in self._shelf.newest(category):
            if self._model.n_seen(product_id) < SELDOM_SEEN:
                found.append(product_id)
                if len(found) == MAX_POOL:
                    break
        return found


def explore(
    rate: float, pool: Sequence[str], may_be_shown: Callable[[str], bool], rng: Random
) -> Explored:
    """Draw whether a slot goes to one of a pool, each as likely as the other.

    >>> explore(1.0, ["a", "b"], lambda product: product == "b", Random(1))
    Explored(product_id='b', probability=1.0)
    >>> explore(0.2, ["a"], lambda product: False, Random(1))
    Explored(product_id=None, probability=1.0)
    """
    if rng.random() >= rate:
        for product_id in pool:
            if may_be_shown(product_id):
                return Explored(None, 1.0 - rate)
        return Explored(None, 1.0)
    fitting = [product_id for product_id in pool if may_be_shown(product_id)]
    if not fitting:
        return Explored(None, 1.0)
    return Explored(rng.choice(fitting), rate / len(fitting))

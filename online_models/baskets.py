"""What is bought together: the same index of steps, of what was put into carts and ordered."""

from collections.abc import Sequence

from online_models.kernels import empty_near, find_near, gather_seen
from online_models.next_product import Allowed, Suggestion, anything, suggestions
from online_models.session_index import NONE
from online_models.steps import Steps
from online_models.vectors import empty_vectors

CAPACITY = 1 << 18  # steps that are kept


class Baskets:
    """Products by the carts and orders that they lay in together."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.steps = Steps(capacity)
        self._near, self._no_vectors = empty_near(), empty_vectors(0)

    def learn_one(self, basket: int, product_id: str) -> None:
        """Learn that a product was put into a basket."""
        self.steps.add(basket, product_id)

    def bought_with(
        self, products: Sequence[str], allowed: Allowed = anything, most: int = 20
    ) -> list[Suggestion]:
        """Return what lies in baskets with these, best first, each by its share of the best."""
        steps = self.steps
        seen = steps.rows_of(products)
        if not len(seen):
            return []
        n = gather_seen(steps.index, steps.evidence, steps.visit, seen, NONE)
        n_found = find_near(steps.index, steps.evidence, self._no_vectors, self._near, n)
        return suggestions(steps, self._near.found, n_found, allowed, most)

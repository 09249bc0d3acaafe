"""Pure: the next-product model as decisions ask it."""

from collections.abc import Sequence
from itertools import islice

from online_models.next_product import MAX_CANDIDATES, NextProduct, Suggestion
from serving.choices import Allowed

_ALL = 10_000


class AskedNextProduct:
    """Asks the rows for candidates, and leaves out what may not be shown."""

    def __init__(self, rows: NextProduct) -> None:
        self._rows = rows

    def next_best(
        self, viewed: Sequence[str], allowed: Allowed, most: int, session: int | None
    ) -> Sequence[Suggestion]:
        """Return what comes next after these products, latest first."""
        found: list[Suggestion] = []
        for n_ranked in (MAX_CANDIDATES, _ALL):
            ranked = self._rows.suggest(viewed, n_ranked)
            found = list(islice((one for one in ranked if allowed(one.product_id)), most))
            if len(found) == most:
                break
        return [one if one.score <= 1.0 else one._replace(score=1.0) for one in found]

    def similar(self, product_id: str, allowed: Allowed, most: int) -> Sequence[Suggestion]:
        """Return what is looked at before or after a product."""
        return self.next_best([product_id], allowed, most, None)

    def bought_with(
        self, products: Sequence[str], allowed: Allowed, most: int
    ) -> Sequence[Suggestion]:
        """Return what is turned to in the same visits as these products."""
        return self.next_best(products, allowed, most, None)

    def popular(self, category: str = "") -> Sequence[str]:
        """Return what is popular now."""
        return self._rows.popular(category)

    def n_seen(self, product_id: str) -> int:
        """Return how many products are known to be looked at beside it."""
        return len(self._rows.neighbours(product_id))

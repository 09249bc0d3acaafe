"""All models of products together, as decisions ask them and as steps of visitors reach them."""

from collections.abc import Sequence

from config.session_log import Step
from online_models.baskets import Baskets
from online_models.next_product import CAPACITY, Allowed, NextProduct, Suggestion
from online_models.popularity import Popularity


class Recommender:
    """What a server holds; ``popularity`` is followed by rows, the others by the log of steps."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.popularity = Popularity()
        self.next_product = NextProduct(capacity)
        self.baskets = Baskets()

    def begin_again(self, other: "Recommender") -> None:
        """Take over what another one has learned from steps."""
        self.next_product, self.baskets = other.next_product, other.baskets

    def index_one(self, step: Step) -> None:
        """Take in a step of a visitor."""
        if step.action == "view":
            self.next_product.index_one(step.session, step.product_id)
        else:
            self.baskets.learn_one(step.session, step.product_id)

    def learn_one(self, step: Step) -> None:
        """Learn from a step of a visitor, also what servers do not."""
        if step.action == "view":
            self.next_product.learn_one(step.session, step.product_id)
        else:
            self.baskets.learn_one(step.session, step.product_id)

    def next_best(
        self, viewed: Sequence[str], allowed: Allowed, most: int, session: int | None
    ) -> list[Suggestion]:
        """Return what comes next after these (latest first); see ``NextProduct``."""
        return self.next_product.next_best(viewed, allowed, most, session)

    def similar(self, product_id: str, allowed: Allowed, most: int) -> list[Suggestion]:
        """Return what is near to a product."""
        return self.next_product.similar(product_id, allowed, most)

    def bought_with(self, products: Sequence[str], allowed: Allowed, most: int) -> list[Suggestion]:
        """Return what lies in baskets with these."""
        return self.baskets.bought_with(products, allowed, most)

    def popular(self, category: str = "") -> list[str]:
        """Return what is popular in a category, or in all of the shop, best first."""
        return self.popularity.best(category)

    def n_seen(self, product_id: str) -> int:
        """Return how often a product was viewed, among the steps that are kept."""
        return self.next_product.n_seen(product_id)

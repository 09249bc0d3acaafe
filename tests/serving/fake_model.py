"""A model that says what a test tells it to, asking ``allowed`` before it ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from online_models.next_product import Suggestion
from serving.choices import Allowed, Suggested


@dataclass
class FakeModel:
    """Of each kind: product to what it leads to, best first; the first has relevance 1."""

    after: Mapping[str, Sequence[str]] = field(default_factory=dict)
    like: Mapping[str, Sequence[str]] = field(default_factory=dict)
    together: Mapping[str, Sequence[str]] = field(default_factory=dict)
    trend: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)
    n_asked: int = 0

    def next_best(
        self, viewed: Sequence[str], allowed: Allowed, most: int, session: int | None
    ) -> Sequence[Suggested]:
        assert session is None
        return self._led(self.after, viewed, allowed, most)

    def similar(self, product_id: str, allowed: Allowed, most: int) -> Sequence[Suggested]:
        return self._led(self.like, [product_id], allowed, most)

    def bought_with(
        self, products: Sequence[str], allowed: Allowed, most: int
    ) -> Sequence[Suggested]:
        return self._led(self.together, products, allowed, most)

    def popular(self, category: str = "") -> Sequence[str]:
        return self.trend.get(category, [])

    def n_seen(self, product_id: str) -> int:
        return self.seen.get(product_id, 0)

    def _led(
        self,
        led: Mapping[str, Sequence[str]],
        products: Sequence[str],
        allowed: Allowed,
        most: int,
    ) -> Sequence[Suggested]:
        self.n_asked += 1
        found: dict[str, Suggestion] = {}
        for product in products:
            for place, other in enumerate(name for name in led.get(product, ()) if allowed(name)):
                found.setdefault(other, Suggestion(other, 1.0 / (place + 1), product))
        return sorted(found.values(), key=lambda one: -one.score)[:most]

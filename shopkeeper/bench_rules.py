"""What rules cost: µs a decision of one placement, by kind of rule.

The model has its answer ready, and there is neither Redis nor HTTP: the figures are of ``decide``.
"""

import time
from collections.abc import Sequence
from random import Random
from statistics import median
from typing import Any

from config.catalog import Item, encode_item
from config.placements import Pin, Products, Weight
from online_models.next_product import Suggestion
from online_models.users import Shown, UserState
from serving.catalog import Catalog
from serving.choices import Allowed
from serving.decision import Shop, decide
from serving.schemas import Page, Request

N_PRODUCTS = 3_000
N_CATEGORIES = 20
N_RANKED = 200
N_USERS = 200
_NOW = 1_700_000_000_000

KINDS: dict[str, Products] = {
    "no rules": Products(),
    "filter: product": Products(filter="product.price < 60.0 && product.category != 'c3'"),
    "filter: visitor, page": Products(filter="user.traits.tier == 'gold' && page.type == 'home'"),
    "filter: product with visitor": Products(filter="!(product.category in user.categories)"),
    "boost: brand": Products(boost=(Weight(factor=2.0, brands=("b1",)),)),
    "boost: product": Products(boost=(Weight(factor=2.0, when="product.price < 20.0"),)),
    "boost: product with visitor": Products(
        boost=(Weight(factor=2.0, when="product.category in user.categories"),)
    ),
    "max_per_category": Products(max_per_category=1),
    "rotate_after": Products(rotate_after=3),
    "pin": Products(pin=(Pin(0, "p5"),)),
}


def bench_rules(rounds: int, seed: int) -> dict[str, Any]:
    """Return µs a decision of each kind, and a product's µs to take a condition in."""
    rng = Random(seed)
    ids = [f"p{n}" for n in range(N_PRODUCTS)]
    catalog, model = a_catalog(ids, rng), Ranked(rng.sample(ids, N_RANKED))
    users = [_user(ids, rng) for _ in range(N_USERS)]
    request = Request(placements=["row"], anonymous_id="a", page=Page(type="home"))

    def run(placement: Products) -> float:
        shop, chance = Shop(model, catalog, {"row": placement}), Random(seed)

        def once() -> float:
            started = time.process_time()
            for user in users:
                decide(request, user, shop, _NOW, chance)
            return (time.process_time() - started) / len(users) * 1e6

        once()  # what is compiled or cached at first
        return round(median(once() for _ in range(rounds)), 1)

    def take_in() -> float:
        started = time.process_time()
        Shop(model, catalog, {"row": KINDS["filter: product"]})
        return (time.process_time() - started) / len(ids) * 1e6

    return {
        "decide_us": {name: run(placement) for name, placement in KINDS.items()},
        "take_in_product_us": round(median(take_in() for _ in range(rounds)), 1),
        "n_products": N_PRODUCTS,
        "rounds": rounds,
        "seed": seed,
    }


class Ranked:
    """A model whose answer is always there."""

    def __init__(self, products: Sequence[str]) -> None:
        self._products = products
        self._ranked = [
            Suggestion(name, 1.0 / place, "p1") for place, name in enumerate(products, start=1)
        ]

    def next_best(
        self, viewed: Sequence[str], allowed: Allowed, most: int, session: int | None
    ) -> Sequence[Suggestion]:
        """Return the first that are allowed."""
        found = []
        for one in self._ranked:
            if allowed(one.product_id):
                found.append(one)
                if len(found) == most:
                    break
        return found

    def similar(self, product_id: str, allowed: Allowed, most: int) -> Sequence[Suggestion]:
        """Return the same."""
        return self.next_best([product_id], allowed, most, None)

    def bought_with(
        self, products: Sequence[str], allowed: Allowed, most: int
    ) -> Sequence[Suggestion]:
        """Return the same."""
        return self.next_best(products, allowed, most, None)

    def popular(self, category: str = "") -> Sequence[str]:
        """Return the same products."""
        return self._products

    def n_seen(self, product_id: str) -> int:
        """Return that it is well known."""
        return 1_000


def a_catalog(ids: Sequence[str], rng: Random) -> Catalog:
    """Return a catalog of these products."""
    catalog = Catalog()
    for place, name in enumerate(ids):
        item = Item(
            id=name,
            name=name,
            category=f"c{place % N_CATEGORIES}",
            brand=f"b{rng.randrange(7)}",
            price=float(rng.randrange(90)),
            added_at=place,
        )
        catalog.put(name, encode_item(item))
    return catalog


def _user(ids: Sequence[str], rng: Random) -> UserState:
    seen = rng.sample(ids, 20)
    return UserState(
        _NOW,
        _NOW,
        _NOW,
        traits={"tier": (_NOW, "gold")},
        viewed=[(_NOW - n, name) for n, name in enumerate(seen)],
        categories={f"c{n}": rng.random() for n in rng.sample(range(N_CATEGORIES), 5)},
        shown=[Shown(name, [_NOW - 1, _NOW - 2, _NOW - 3]) for name in rng.sample(ids, 20)],
    )

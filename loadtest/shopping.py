"""How the demo's shoppers shop: pure, and the same from the same seed.

They like a category or two, go from a product to those that go with it, and fill carts; some say
who they are, some order, and sometimes they take what the shop suggests.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any

from loadtest.formats import SegmentEvent

N_CUSTOMERS = 40
N_COMPANIONS = 6
_SMALL_CATEGORY = 20  # too few products to browse in
_GOES_WITH = {
    "jacket": "scarf", "scarf": "jacket", "shirt": "belt", "belt": "shirt", "boot": "socks",
    "socks": "sneaker", "sneaker": "backpack", "formal": "belt", "handbag": "earrings",
    "earrings": "necklace", "necklace": "bracelet", "bracelet": "watch", "tables": "chairs",
    "chairs": "tables", "sofas": "cushion", "cushion": "sofas", "dressers": "lighting",
    "lighting": "decorative", "kitchen": "bowls", "bowls": "kitchen", "bakery": "dairy",
    "vegetables": "meat", "meat": "vegetables", "fruits": "dairy", "camera": "travel",
    "headphones": "speaker", "strings": "microphone", "camping": "backpack", "bouquet": "valentine",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Goods:
    """A product as shoppers see it."""

    product_id: str
    name: str
    category: str
    style: str
    price: float

    def fields(self) -> dict[str, Any]:
        """Return what the E-commerce Spec's events say of it."""
        return {
            "product_id": self.product_id,
            "name": self.name,
            "category": self.category,
            "price": self.price,
        }


def goods_of(product: Mapping[str, Any]) -> Goods:
    """Return a product of the demo's catalog."""
    return Goods(*(product[name] for name in ("id", "name", "category", "style", "price")))


@dataclass(slots=True)
class Answered:
    """What the shop last suggested to a shopper; whoever asks on the shopper's behalf fills it."""

    decision_id: str = ""
    placement: str = ""
    products: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Question:
    """What a page asks ``POST /v1/personalize``, and where the answer goes."""

    body: dict[str, Any]
    answered: Answered


class Tastes:
    """What is popular, and what goes with what: by the words of the names, and by style."""

    def __init__(self, goods: Iterable[Goods], rng: Random) -> None:
        self.by_id = {product.product_id: product for product in goods}
        categories: dict[str, list[Goods]] = defaultdict(list)
        self._styles: dict[str, list[Goods]] = defaultdict(list)
        for product in self.by_id.values():
            categories[product.category].append(product)
            self._styles[product.style].append(product)
        self._categories = {
            name: rng.sample(products, len(products))
            for name, products in sorted(categories.items())
            if len(products) >= _SMALL_CATEGORY
        }
        self._weights = {
            name: list(accumulate(1 / (rank + 3) for rank in range(len(products))))
            for name, products in self._categories.items()
        }
        self._companions: dict[str, list[Goods]] = {}

    def category(self, rng: Random) -> str:
        """Return a category that a shopper likes, large ones more often."""
        sizes = [len(products) for products in self._categories.values()]
        return rng.choices(list(self._categories), weights=sizes)[0]

    def popular(self, category: str, rng: Random) -> Goods:
        """Return a product of a category, popular ones more often (Zipf)."""
        products = self._categories[category]
        return rng.choices(products, cum_weights=self._weights[category])[0]

    def companion(self, product: Goods, rng: Random) -> Goods:
        """Return a product that shoppers look at after this one."""
        found = self._companions.get(product.product_id)
        if found is None:
            found = self._companions[product.product_id] = self._find_companions(product)
        return rng.choices(found, weights=range(len(found), 0, -1))[0] if found else product

    def _find_companions(self, product: Goods) -> list[Goods]:
        alike = self._nearest(product, self._styles[product.style])
        other = self._nearest(product, self._styles.get(_GOES_WITH.get(product.style, ""), []))
        return [*alike[: N_COMPANIONS - 2], *other[:2]]

    def _nearest(self, product: Goods, others: Sequence[Goods]) -> list[Goods]:
        words = _words(product)
        near = sorted(others, key=lambda other: (-len(words & _words(other)), other.product_id))
        return [other for other in near if other is not product][:N_COMPANIONS]


def visits(seed: int, tastes: Tastes) -> Iterator[SegmentEvent | Question]:
    """Yield what some 20 shoppers do who are in the shop at one time, for ever.

    Without times and message ids, which differ from run to run.
    """
    rng = Random(seed)
    run, number = f"{rng.getrandbits(32):08x}", 20
    present = [_visit(Random(f"{seed} {n}"), tastes, f"demo-{run}-{n}") for n in range(number)]
    while True:
        place = rng.randrange(len(present))
        step = next(present[place], None)
        if step is None:
            present[place] = _visit(Random(f"{seed} {number}"), tastes, f"demo-{run}-{number}")
            number += 1
        else:
            yield step


def _visit(rng: Random, tastes: Tastes, visitor: str) -> Iterator[SegmentEvent | Question]:
    """Yield one visit: pages and products, maybe a cart, maybe an order."""
    shopper = _Shopper(visitor, rng.choice(("mobile", "desktop")))
    category = tastes.category(rng)
    yield shopper.page("/")
    yield shopper.ask("home-next", {"type": "home"})
    yield shopper.page(f"/category/{category}")
    product = tastes.popular(category, rng)
    for _ in range(rng.randint(2, 10)):
        yield shopper.track("Product Viewed", product.fields())
        yield shopper.ask("product-next", {"type": "product", "productId": product.product_id})
        if rng.random() < 0.22 and product not in shopper.cart:
            shopper.cart.append(product)
            yield shopper.track("Product Added", product.fields() | {"quantity": 1})
        taken = _taken_suggestion(rng, tastes, shopper.answered)
        if taken is not None:
            yield shopper.clicked(taken)
            product = taken
        elif (fate := rng.random()) < 0.7:
            product = tastes.companion(product, rng)
        else:
            category = tastes.category(rng) if fate > 0.93 else category
            product = tastes.popular(category, rng)
    yield from _leave(rng, shopper)


def _leave(rng: Random, shopper: "_Shopper") -> Iterator[SegmentEvent | Question]:
    lines = [product.fields() | {"quantity": 1} for product in shopper.cart]
    if lines and rng.random() < 0.7:
        yield shopper.track("Cart Viewed", {"products": lines})
        yield shopper.ask("cart-next", {"type": "cart"})
    if rng.random() < 0.3:
        traits = {"tier": rng.choice(("gold", "silver", "none"))}
        number = rng.randrange(N_CUSTOMERS)
        said = {"categoryPreferences": {"marketing": number % 3 > 0}}  # two of three say yes
        identify = {"type": "identify", "userId": f"customer-{number}", "traits": traits}
        yield identify | {"context": {"consent": said}} | shopper.ids
    if lines and rng.random() < 0.4:
        total = round(sum(product.price for product in shopper.cart), 2)
        yield shopper.track("Checkout Started", {"products": lines})
        order = {"order_id": f"order-{shopper.visitor}", "revenue": total, "products": lines}
        yield shopper.track("Order Completed", order)


def _taken_suggestion(rng: Random, tastes: Tastes, answered: Answered) -> Goods | None:
    chance = rng.random()  # drawn always, so that answers change nothing else
    if not answered.products or chance > 0.25:
        return None
    return tastes.by_id.get(answered.products[int(chance * 4 * len(answered.products))])


class _Shopper:
    """A visitor with a cart, and the words for what it does."""

    def __init__(self, visitor: str, device: str) -> None:
        self.visitor = visitor
        self.ids = {"anonymousId": visitor}
        self.cart: list[Goods] = []
        self.answered = Answered()
        self._context = {"locale": "en-GB", "device": {"type": device}}

    def page(self, path: str) -> SegmentEvent:
        return {"type": "page", "properties": {"path": path}, "context": self._context} | self.ids

    def track(self, name: str, properties: Mapping[str, Any]) -> SegmentEvent:
        event = {"type": "track", "event": name, "properties": dict(properties)}
        return event | {"context": self._context} | self.ids

    def clicked(self, product: Goods) -> SegmentEvent:
        answered = self.answered
        facts = {
            "promotion_id": answered.placement,
            "decision_id": answered.decision_id,
            "position": answered.placement,
            "product_id": product.product_id,
        }
        return self.track("Promotion Clicked", facts)

    def ask(self, placement: str, page: Mapping[str, Any]) -> Question:
        cart = [{"productId": product.product_id, "quantity": 1} for product in self.cart]
        body = {"placements": [placement], "page": dict(page), "cart": cart} | self.ids
        self.answered.products = []
        return Question(body, self.answered)


def _words(product: Goods) -> set[str]:
    return set(product.name.lower().split())

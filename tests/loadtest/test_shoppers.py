"""The demo's shoppers behave the same from the same seed, and like shoppers."""

from collections import Counter
from itertools import islice, pairwise
from random import Random

import pytest

from loadtest.formats import SegmentEvent
from loadtest.shopping import Goods, Question, Tastes, visits

STYLES = {"footwear": ("boot", "sneaker", "formal"), "apparel": ("socks", "belt", "shirt")}


def the_goods() -> list[Goods]:
    return [
        Goods(f"{style}-{n}", f"{material} {style} {n}", category, style, 10.0 + n)
        for category, styles in STYLES.items()
        for style in styles
        for n, material in enumerate(["Suede", "Canvas", "Leather", "Woollen"] * 5)
    ]


@pytest.fixture(scope="module")
def tastes() -> Tastes:
    return Tastes(the_goods(), Random(1))


def steps(seed: int, tastes: Tastes, number: int = 3000) -> list[SegmentEvent | Question]:
    return list(islice(visits(seed, tastes), number))


def events(seed: int, tastes: Tastes) -> list[SegmentEvent]:
    return [step for step in steps(seed, tastes) if isinstance(step, dict)]


def viewed(seen: list[SegmentEvent]) -> dict[str, list[str]]:
    """Return the products of each visitor in the order of their views."""
    found: dict[str, list[str]] = {}
    for event in seen:
        if event.get("event") == "Product Viewed":
            found.setdefault(event["anonymousId"], []).append(event["properties"]["product_id"])
    return found


def test_the_same_seed_brings_the_same_shoppers(tastes: Tastes) -> None:
    assert steps(1, tastes) == steps(1, tastes)
    assert steps(1, tastes) != steps(2, tastes)


def test_shoppers_look_more_than_they_add_and_add_more_than_they_order(tastes: Tastes) -> None:
    names = [event.get("event") for event in events(3, tastes)]
    counts = [names.count(name) for name in ("Product Viewed", "Product Added", "Order Completed")]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 10


def test_nobody_orders_without_a_cart(tastes: Tastes) -> None:
    carts: set[str] = set()
    for event in events(4, tastes):
        if event.get("event") == "Product Added":
            carts.add(event["anonymousId"])
        if event.get("event") == "Order Completed":
            assert event["anonymousId"] in carts


def test_known_customers_come_back_as_new_visitors(tastes: Tastes) -> None:
    identified = [event for event in events(5, tastes) if event["type"] == "identify"]
    customers = {event["userId"] for event in identified}
    assert len(customers) < len({event["anonymousId"] for event in identified})


def test_some_products_are_much_more_popular_than_others(tastes: Tastes) -> None:
    counts = Counter(product for path in viewed(events(6, tastes)).values() for product in path)
    ordered = sorted(counts.values(), reverse=True)
    assert ordered[0] > 4 * ordered[len(ordered) // 2]


def test_shoppers_mostly_go_on_to_what_goes_with_the_last_product(tastes: Tastes) -> None:
    paths = viewed(events(7, tastes)).values()
    pairs = [pair for path in paths for pair in pairwise(path)]
    often, n_from = Counter(one for one, _ in pairs).most_common(1)[0]
    after = Counter(other for one, other in pairs if one == often)
    # Of 120 products six are its companions: by chance one would follow it in 1 of 120.
    assert sum(n for _, n in after.most_common(6)) > n_from / 2


def test_every_product_page_asks_what_comes_next(tastes: Tastes) -> None:
    whole = steps(8, tastes)
    questions = [step.body for step in whole if isinstance(step, Question)]
    asked = {question["page"].get("productId") for question in questions}
    seen = {product for path in viewed(events(8, tastes)).values() for product in path}
    # Those who look at this moment ask next.
    assert len(seen - asked) <= 20
    assert {question["placements"][0] for question in questions} == {
        "home-next",
        "product-next",
        "cart-next",
    }


def test_suggestions_are_taken_sometimes_and_clicked_before_they_are_viewed(
    tastes: Tastes,
) -> None:
    n_clicks, clicked = 0, {}
    for step in islice(visits(9, tastes), 3000):
        if isinstance(step, Question):
            step.answered.decision_id = "d"
            step.answered.products = ["belt-1", "belt-2"]
        elif step.get("event") == "Promotion Clicked":
            n_clicks += 1
            clicked[step["anonymousId"]] = step["properties"]["product_id"]
        elif step.get("event") == "Product Viewed" and step["anonymousId"] in clicked:
            assert step["properties"]["product_id"] == clicked.pop(step["anonymousId"])
    n_questions = sum(isinstance(step, Question) for step in steps(9, tastes))
    assert 0.1 * n_questions < n_clicks < 0.4 * n_questions

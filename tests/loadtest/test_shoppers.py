"""The demo's shoppers behave the same from the same seed, and like shoppers."""

from itertools import islice
from random import Random

from loadtest.formats import SegmentEvent
from loadtest.shoppers import visits


def events(seed: int) -> list[SegmentEvent]:
    return list(islice(visits(Random(seed)), 2000))


def test_the_same_seed_brings_the_same_shoppers() -> None:
    assert events(seed=1) == events(seed=1)
    assert events(seed=1) != events(seed=2)


def test_shoppers_look_more_than_they_add_and_add_more_than_they_order() -> None:
    names = [event.get("event") for event in events(seed=3)]
    counts = [names.count(name) for name in ("Product Viewed", "Product Added", "Order Completed")]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 10


def test_nobody_orders_without_a_cart() -> None:
    carts: set[str] = set()
    for event in events(seed=4):
        if event.get("event") == "Product Added":
            carts.add(event["anonymousId"])
        if event.get("event") == "Order Completed":
            assert event["anonymousId"] in carts


def test_known_customers_come_back_as_new_visitors() -> None:
    identified = [event for event in events(seed=5) if event["type"] == "identify"]
    customers = {event["userId"] for event in identified}
    assert len(customers) < len({event["anonymousId"] for event in identified})

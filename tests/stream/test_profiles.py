from itertools import permutations
from math import isclose

import msgspec

from config.events import ConsentRefused, Event
from online_models.bounded import cart_lines
from online_models.features import picture
from online_models.users import MAX_AFFINITIES, MAX_RECENT_PRODUCTS, UserState
from stream.batch import Batch
from stream.journal import apply
from tests.builders import DAY, HOUR, NOON, an_event, logged
from tests.stream.test_sessions import ANN, a_batch, ann


def after(*events: Event) -> UserState:
    batch = a_batch()
    for event in events:
        apply(batch, logged(event))
    return ann(batch)


def lines(state: UserState) -> dict[str, float]:
    return {name: line.quantity for name, line in cart_lines(state.cart).items()}


def test_counters_fade_by_half_in_an_hour_a_day_and_thirty_days() -> None:
    state = after(an_event(at=NOON))

    def left(kind: int, after_ms: int) -> float:
        return state.views.faded(kind, state.latest_at, NOON + after_ms)

    assert isclose(left(0, HOUR), 0.5)
    assert isclose(left(1, DAY), 0.5)
    assert isclose(left(2, 30 * DAY), 0.5)


def test_counters_stay_exact_when_the_landmarks_move() -> None:
    state = after(*(an_event(at=NOON + n * 40 * HOUR) for n in range(20)))
    now = NOON + 19 * 40 * HOUR

    expected = sum(2.0 ** (-(n * 40 * HOUR) / DAY) for n in range(20))

    assert isclose(state.views.faded(1, state.latest_at, now), expected, rel_tol=1e-12)


def test_a_cart_is_the_same_in_any_order_of_its_changes() -> None:
    changes = [
        ("Product Added", {"product_id": "hat", "quantity": 2}),
        ("Product Removed", {"product_id": "hat"}),
        ("Product Added", {"product_id": "hat", "quantity": 3}),
        ("Product Removed", {"product_id": "hat", "quantity": 1}),
        ("Product Added", {"product_id": "tent"}),
    ]
    story = [
        msgspec.structs.replace(
            an_event(name, at=NOON + n, received_at=NOON + DAY), properties=properties
        )
        for n, (name, properties) in enumerate(changes)
    ]

    carts = [lines(after(*order)) for order in permutations(story)]

    assert all(cart == {"hat": 2, "tent": 1} for cart in carts)


def test_an_order_empties_the_cart_and_what_is_added_later_stays() -> None:
    state = after(
        an_event("Product Added", at=NOON, product_id="hat"),
        an_event("Product Added", at=NOON + 9, product_id="tent"),
        an_event("Order Completed", at=NOON + 5, order_id="o-1", revenue=30, received_at=NOON + 9),
    )

    assert lines(state) == {"tent": 1}


def test_a_cart_view_with_products_is_the_whole_cart() -> None:
    state = after(
        an_event("Product Added", at=NOON, product_id="hat"),
        an_event("Cart Viewed", at=NOON + 5, products=[{"product_id": "tent", "quantity": 2}]),
    )

    assert lines(state) == {"tent": 2}


def test_an_order_sent_from_two_pages_counts_once() -> None:
    hat = [{"product_id": "hat"}]

    state = after(
        an_event("Order Completed", at=NOON, order_id="o-1", revenue="30.50", products=hat),
        an_event("Order Completed", at=NOON + 3, order_id="o-1", revenue="30.50", products=hat),
    )

    assert (state.orders.total, state.revenue.total) == (1, 30.5)
    assert state.bought == [(NOON + 3, "hat")]


def test_the_last_products_are_distinct_and_newest_first() -> None:
    state = after(*(an_event(at=NOON + n, product_id=f"p{n % 3}") for n in range(5)))

    assert [name for _, name in state.viewed] == ["p1", "p0", "p2"]


def test_lists_stay_bounded_and_numbers_finite() -> None:
    state = after(
        *(
            an_event(
                at=NOON + n, product_id=f"p{n}", category=f"c{n}", brand=f"b{n}", price=10.0**n
            )
            for n in range(60)
        )
    )

    assert len(state.viewed) == MAX_RECENT_PRODUCTS
    assert max(len(state.categories), len(state.brands), len(state.price_bands)) <= MAX_AFFINITIES
    assert all(abs(value) < 1e9 for value in picture(state, NOON)["features"].values())


def test_traits_take_the_latest_and_of_an_address_its_city() -> None:
    state = after(
        an_event(
            kind="identify", at=NOON + 5, traits={"tier": "gold", "address": {"city": "Oslo"}}
        ),
        an_event(kind="identify", at=NOON, traits={"tier": "silver"}, received_at=NOON + 6),
    )

    assert picture(state, NOON)["traits"] == {"city": "Oslo", "tier": "gold"}


def test_order_intervals_come_from_the_last_orders() -> None:
    state = after(
        *(
            an_event("Order Completed", at=NOON + n * 10 * DAY, order_id=f"o{n}", revenue=5)
            for n in range(4)
        )
    )

    features = picture(state, NOON + 45 * DAY)["features"]

    assert features["order_interval_days"] == 10
    assert isclose(features["order_overdue"], 1.5)


def test_after_a_refusal_events_no_longer_count_until_consent_is_back() -> None:
    batch: Batch = a_batch()
    apply(batch, logged(an_event(at=NOON)))
    apply(batch, logged(ConsentRefused(NOON + 1, NOON + 1), ANN))
    apply(batch, logged(an_event(at=NOON + 2)))
    assert ann(batch).n_events == 1

    apply(batch, logged(an_event(at=NOON + 3, context={"consent": True})))

    assert (ann(batch).n_events, ann(batch).consent) == (2, (NOON + 3, True))


def test_nothing_is_stored_of_a_stranger_who_refuses() -> None:
    batch = a_batch()
    apply(batch, logged(ConsentRefused(NOON, NOON), ANN))

    assert batch.user(ANN) is None
    assert not batch.changed


def test_a_user_who_was_away_for_longer_than_the_retention_starts_anew() -> None:
    state = after(an_event(at=NOON), an_event(at=NOON + 181 * DAY))

    assert (state.n_events, state.first_at) == (1, NOON + 181 * DAY)


def seen(name: str, at: int, *products: str) -> Event:
    """Return an impression of products, or a click on one."""
    listed = [{"product_id": product} for product in products]
    properties = {"products": listed} if name == "Product List Viewed" else listed[0]
    return msgspec.structs.replace(
        an_event(name, at=NOON + at, received_at=NOON + DAY), properties=properties
    )


def test_impressions_are_remembered_until_the_product_is_clicked_or_viewed_in_any_order() -> None:
    story = [
        seen("Product List Viewed", 1, "hat", "boots", "tent"),
        seen("Product Clicked", 2, "hat"),
        seen("Product List Viewed", 3, "hat", "tent"),
        seen("Product Viewed", 4, "boots"),
    ]
    states = [after(*order) for order in permutations(story)]
    assert {one.product_id: one.times for one in states[0].shown} == {
        "hat": [NOON + 3],
        "tent": [NOON + 3, NOON + 1],
    }
    assert all(state.shown == states[0].shown for state in states)


def test_when_a_product_was_bought_is_remembered_of_each_order() -> None:
    orders = [
        msgspec.structs.replace(
            an_event("Order Completed", at=NOON + n * DAY, received_at=NOON + 9 * DAY),
            properties={"order_id": f"order-{n}", "products": [{"product_id": "tea"}]},
        )
        for n in range(3)
    ]
    times = [NOON + 2 * DAY, NOON + DAY, NOON]
    assert all(after(*order).purchases == {"tea": times} for order in permutations(orders))


def test_the_end_of_the_visit_before_is_remembered() -> None:
    first, last = an_event(at=NOON), an_event(at=NOON + HOUR // 4)
    again = an_event(at=NOON + 60 * DAY)
    assert after(first, last).left_at == -1
    assert after(first, last, again).left_at == NOON + HOUR // 4


def test_it_is_remembered_which_orders_were_discounted() -> None:
    full = an_event("Order Completed", at=NOON, order_id="a", revenue=9)
    cheap = an_event("Order Completed", at=NOON + 1, order_id="b", revenue=9, coupon="TEN")
    told_twice = an_event("Order Completed", at=NOON, order_id="a", revenue=9, coupon="TEN")
    for story in permutations((full, cheap, told_twice)):
        kept = after(*story).order_history
        assert [(order.order_id, order.is_discounted) for order in kept] == [
            ("b", True),
            ("a", False),
        ]

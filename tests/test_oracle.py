"""The oracle itself, on histories small enough to work out by hand."""

import pytest

from loadtest.formats import Format, read_events
from tests.oracle import PlainUser, faded, plain_users

MINUTE = 60


def user_of(*rows: str) -> PlainUser:
    reading = read_events([row.encode() for row in rows], Format.TAOBAO815)
    assert not reading.unreadable
    return plain_users(reading.events)["7"]


def test_sums_fade_by_half_in_each_half_life() -> None:
    user = user_of("7,11,3,pv,1000", f"7,12,3,pv,{1000 + 60 * MINUTE}")
    assert faded(user.views, 3_600_000, 1_000_000 + 2 * 3_600_000) == 0.25 + 0.5


def test_a_gap_of_exactly_half_an_hour_is_still_one_session() -> None:
    assert len(user_of("7,1,3,pv,1000", f"7,1,3,pv,{1000 + 30 * MINUTE}").sessions) == 1
    assert len(user_of("7,1,3,pv,1000", f"7,1,3,pv,{1001 + 30 * MINUTE}").sessions) == 2


def test_recent_products_are_distinct_newest_first_and_ties_go_by_id() -> None:
    user = user_of("7,a,3,pv,1000", "7,c,3,pv,1001", "7,b,3,pv,1001", "7,a,3,pv,1002")
    assert user.recent("Product Viewed") == [(1_002_000, "a"), (1_001_000, "b"), (1_001_000, "c")]


def test_an_order_empties_the_cart() -> None:
    rows = ("7,a,3,cart,1000", "7,b,3,buy,1001", "7,c,3,cart,1002", "7,c,3,cart,1003")
    user = user_of(*rows)
    assert user.cart() == {"c": 2.0}
    assert user.order_times() == [1_001_000]


def test_liking_weighs_orders_above_carts_above_views_and_fades() -> None:
    month = 30 * 24 * 60 * MINUTE
    user = user_of("7,a,x,pv,1000", "7,a,x,cart,1000", f"7,b,y,buy,{1000 + month}")
    assert user.liked == {"categories": {"x": pytest.approx(2.0), "y": 5.0}}


def test_wishes_count_as_events_only() -> None:
    user = user_of("7,a,x,fav,1000")
    assert (user.n_events, user.views, user.liked) == (1, [], {})


def test_only_the_strongest_liked_are_kept() -> None:
    user = user_of(*(f"7,a,c{n:02},pv,{1000 + n}" for n in range(17)))
    assert sorted(user.liked["categories"]) == [f"c{n:02}" for n in range(1, 17)]

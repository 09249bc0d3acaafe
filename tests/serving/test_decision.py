import pytest

from config.catalog import Item
from config.durations import DAY_MS
from config.placements import Products
from serving.choices import Fallback, Pick, Promotion
from serving.reasons import Why
from serving.rules import BOUGHT_DAYS
from serving.schemas import CartLine, Options, Page
from tests.serving.builders import NOW
from tests.serving.deciding import (
    HERO,
    a_catalog,
    a_model,
    a_request,
    a_user,
    decided,
    ids_of,
    in_cart,
    slate_of,
)


def test_a_visitor_gets_what_comes_after_the_product_viewed_last() -> None:
    decision = decided(user=a_user())
    assert slate_of(decision).picks[0] == Pick("socks", Why.AFTER, "boots", "next-best")
    assert (ids_of(decision), decision.fallback) == (["socks", "tent", "stove"], None)


def test_the_product_on_the_page_counts_as_viewed_latest() -> None:
    model = a_model(after={"boots": ["socks"], "tent": ["stove", "lamp"]})
    request = a_request(page=Page(product_id="tent"))
    assert ids_of(decided(request, a_user(), model=model))[0] == "stove"


def test_free_slots_go_to_the_strongest_category_and_then_to_the_whole_shop() -> None:
    user = a_user(categories={"hiking": 2.0, "games": 1.0})
    decision = decided(
        user=user,
        model=a_model(after={"boots": ["socks"]}),
        placements={"next-best": Products(slots=3)},
    )
    assert slate_of(decision).picks == [
        Pick("socks", Why.AFTER, "boots", "next-best"),
        Pick("poles", Why.POPULAR_IN, "hiking", "trending"),
        Pick("lamp", Why.POPULAR, None, "trending"),
    ]


def test_an_unknown_user_gets_what_the_shop_has_picked_then_what_is_trending() -> None:
    decision = decided()
    assert ids_of(decision) == ["gift-card", "map", "lamp"]
    assert decision.fallback is slate_of(decision).fallback is Fallback.UNKNOWN_USER


def test_without_picks_of_the_shop_an_unknown_user_gets_what_is_trending() -> None:
    decision = decided(placements={"next-best": Products(slots=2)})
    assert ids_of(decision) == ["lamp", "socks"]


def test_where_nothing_is_known_at_all_the_slate_is_empty() -> None:
    decision = decided(placements={"next-best": Products()}, model=a_model({}, {}))
    assert (ids_of(decision), decision.fallback) == ([], Fallback.UNKNOWN_USER)


@pytest.mark.parametrize("missing", [Fallback.REDIS_SLOW, Fallback.CONSENT_REFUSED])
def test_an_answer_without_the_user_says_why(missing: Fallback) -> None:
    decision = decided(missing=missing)
    assert decision.fallback is slate_of(decision).fallback is missing


def test_an_unknown_user_on_a_product_page_gets_what_goes_with_it_and_it_is_called_a_fallback() -> (
    None
):
    decision = decided(a_request(page=Page(product_id="boots")))
    assert (ids_of(decision)[0], decision.fallback) == ("socks", Fallback.UNKNOWN_USER)


def test_a_user_without_any_history_gets_the_fallback() -> None:
    decision = decided(user=a_user(viewed=[]))
    assert (ids_of(decision)[0], decision.fallback) == ("gift-card", Fallback.NO_HISTORY)


def test_trending_is_no_fallback_where_it_was_asked_for() -> None:
    slate = slate_of(decided(a_request("trending")), "trending")
    assert (slate.fallback, slate.picks[0]) == (None, Pick("lamp", Why.POPULAR, None, "trending"))


def test_without_a_trend_the_shop_picks() -> None:
    slate = slate_of(decided(a_request("trending"), model=a_model({}, {})), "trending")
    assert (slate.fallback, slate.picks) == (
        Fallback.NO_TREND,
        [Pick("gift-card", Why.CHOSEN, None, "picks")],
    )


@pytest.mark.parametrize("cart", [[CartLine(product_id="socks")], ["socks"]])
def test_what_is_in_the_cart_of_the_page_is_not_suggested(cart: list[CartLine | str | int]) -> None:
    assert "socks" not in ids_of(decided(a_request(cart=cart), a_user()))


def test_what_is_in_the_remembered_cart_is_not_suggested() -> None:
    assert "socks" not in ids_of(decided(user=a_user(cart=in_cart("socks"))))


def test_what_was_just_bought_is_not_suggested_and_later_is_again() -> None:
    assert "socks" not in ids_of(decided(user=a_user(bought=[(NOW - 1, "socks")])))
    assert "socks" in ids_of(decided(user=a_user(bought=[(NOW - BOUGHT_DAYS * DAY_MS, "socks")])))


def test_what_is_out_of_stock_or_not_in_the_catalog_is_not_suggested() -> None:
    catalog = a_catalog(
        Item(id="socks", name="Socks", stock=0),
        Item(id="tent", name="Tent", stock=1),
        Item(id="lamp", name="Lamp"),
    )
    assert ids_of(decided(user=a_user(), catalog=catalog)) == ["tent", "lamp"]


def test_what_the_page_shows_or_excludes_is_not_suggested() -> None:
    request = a_request(page=Page(product_id="tent"), options=Options(exclude=["socks", 17]))
    model = a_model(after={"boots": ["socks", "tent", "17", "stove"]})
    placements = {"next-best": Products(slots=3)}
    shown = ids_of(decided(request, a_user(), model=model, placements=placements))
    assert shown == ["stove", "lamp", "rope"]


def test_a_limit_replaces_the_slots() -> None:
    assert len(ids_of(decided(a_request(options=Options(limit=1)), a_user()))) == 1
    assert len(ids_of(decided(a_request(options=Options(limit=5)), a_user()))) == 5


def test_no_product_is_twice_in_one_answer_unless_a_placement_says_so() -> None:
    placements = {
        "first": Products(slots=1),
        "second": Products(slots=2),
        "again": Products(slots=2, allow_repeats=True),
    }
    decision = decided(a_request("first", "second", "again"), a_user(), placements=placements)
    assert ids_of(decision, "first") == ["socks"]
    assert ids_of(decision, "second") == ["tent", "stove"]
    assert ids_of(decision, "again") == ["socks", "tent"]


def test_placements_are_filled_in_the_order_of_the_request() -> None:
    placements = {"first": Products(slots=1), "second": Products(slots=1)}
    decision = decided(a_request("second", "first"), a_user(), placements=placements)
    assert (ids_of(decision, "second"), ids_of(decision, "first")) == (["socks"], ["tent"])


def test_a_banner_without_campaigns_is_that_of_its_placement_and_an_offer_is_none() -> None:
    choices = decided(a_request("hero", "exit"), a_user()).choices
    hero, offer = choices["hero"], choices["exit"]
    assert isinstance(hero, Promotion)
    assert isinstance(offer, Promotion)
    assert (hero.content, hero.reason) == (HERO.content, "for every visitor")
    assert (offer.content, offer.reason) == (None, "nothing for you right now")

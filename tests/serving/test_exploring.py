"""New products get seen, with a chance that is known and logged."""

from collections import Counter
from random import Random

import pytest

from config.catalog import Item
from config.placements import Products
from serving.choices import Pick, Slate
from serving.decision import Shop, decide
from serving.exploring import KEPT_MS, SELDOM_SEEN, SeldomSeen
from serving.reasons import Why
from serving.schemas import Page
from tests.serving.builders import NOW
from tests.serving.deciding import a_catalog, a_request, a_user, decided, in_cart, slate_of
from tests.serving.fake_model import FakeModel

WELL_SEEN = dict.fromkeys("abc", SELDOM_SEEN)
MODEL = FakeModel(after={"boots": "abc"}, seen=WELL_SEEN)
CATALOG = a_catalog(
    *(Item(id=name, name=name, category="hiking") for name in "abcxyz"),
    Item(id="sold-out", name="-", category="hiking", stock=0),
    Item(id="other", name="-", category="games"),
)
HIKING = a_request("row", page=Page(category="hiking"))
N_DRAWS = 6_000
TOLERANCE = 4 * (0.25 / N_DRAWS) ** 0.5  # four standard deviations, at the most


def slates(seed: int = 1, **rules: object) -> list[Slate]:
    """Return what many draws give."""
    row = Products(**({"slots": 3, "explore": 0.3} | rules))  # type: ignore[arg-type]
    shop, rng = Shop(MODEL, CATALOG, {"row": row}), Random(seed)
    user = a_user()
    return [slate_of(decide(HIKING, user, shop, NOW, rng), "row") for _ in range(N_DRAWS)]


def test_each_product_is_in_its_slot_as_often_as_its_probability_says() -> None:
    drawn = slates()
    n_shown = Counter(pick.product_id for slate in drawn for pick in slate.picks)
    said = {pick.product_id: pick.probability for slate in drawn for pick in slate.picks}
    expected = {"a": 1.0, "b": 1.0, "c": 0.7, "x": 0.1, "y": 0.1, "z": 0.1}
    assert said == pytest.approx(expected)
    for name, probability in expected.items():
        assert n_shown[name] / N_DRAWS == pytest.approx(probability, abs=TOLERANCE)


def test_only_the_last_slot_is_explored_and_says_so() -> None:
    explored = [slate.picks for slate in slates() if slate.picks[2].explored]
    assert explored
    for picks in explored:
        assert [pick.product_id for pick in picks[:2]] == ["a", "b"]
        assert (picks[2].why, picks[2].of, picks[2].step) == (Why.SELDOM, None, "explore")


def test_the_same_seed_gives_the_same_slates() -> None:
    assert slates(seed=3) == slates(seed=3)


def test_what_is_well_seen_sold_out_of_another_category_or_filtered_is_not_explored() -> None:
    always = slates(explore=1.0, filter="product.id != 'z'")
    assert {slate.picks[2].product_id for slate in always} == {"x", "y"}
    assert {slate.picks[2].probability for slate in always} == {0.5}


def test_where_there_is_nothing_to_explore_the_slate_is_certain() -> None:
    certain = slates(filter="product.id in ['a', 'b', 'c']")
    assert {pick.probability for slate in certain for pick in slate.picks} == {1.0}


def test_without_a_rate_nothing_is_explored() -> None:
    assert not any(pick.explored for slate in slates(explore=0.0) for pick in slate.picks)


def test_a_cap_holds_for_what_is_explored() -> None:
    always = slates(explore=1.0, max_per_category=1)
    # Of hiking there may be one, and the first slot has it: all that is new would be a second.
    assert {len(slate.picks) for slate in always} == {2}
    assert all(pick.product_id != "c" for slate in always for pick in slate.picks)
    assert {slate.picks[0].product_id for slate in always} == {"a"}


def test_a_cross_sell_explores_outside_of_the_carts_categories() -> None:
    model = FakeModel(together={"boots": ["other", "a"]}, seen=WELL_SEEN)
    catalog = a_catalog(
        Item(id="boots", name="-", category="hiking"),
        Item(id="new-hat", name="-", category="hiking", added_at=9),
        Item(id="new-game", name="-", category="games", added_at=8),
        Item(id="other", name="-", category="books"),
    )
    row = Products(strategy="cart-cross-sell", slots=1, explore=1.0)
    decision = decided(
        a_request("row"),
        a_user(cart=in_cart("boots")),
        model=model,
        catalog=catalog,
        placements={"row": row},
        rng=Random(1),
    )
    assert slate_of(decision, "row").picks == [
        Pick("new-game", Why.SELDOM, None, "explore", 1.0, explored=True)
    ]


def test_what_is_seldom_seen_is_not_looked_for_each_time() -> None:
    model = FakeModel()
    seldom = SeldomSeen(model, CATALOG)
    assert set(seldom.of("hiking", NOW)) == set("abcxyz") | {"sold-out"}
    model.seen = dict.fromkeys("abcxyz", SELDOM_SEEN)
    assert "a" in seldom.of("hiking", NOW + KEPT_MS - 1)
    assert list(seldom.of("hiking", NOW + KEPT_MS)) == ["sold-out"]

"""The rules of placements, each by itself, with a model that does as it is told."""

from typing import Any

import pytest

from config.catalog import Item, encode_item
from config.durations import DAY_MS
from config.placements import Picks, Pin, Products, Weight
from online_models.users import Shown, UserState
from serving.catalog import Catalog
from serving.choices import Fallback, Slate
from serving.schemas import Options, Page, Request
from tests.serving.builders import NOW
from tests.serving.deciding import a_catalog, a_request, a_user, decided, in_cart, slate_of
from tests.serving.fake_model import FakeModel

LETTERS = list("abcdefgh")


def a_shop(**changes: dict[str, Any]) -> Catalog:
    """Return products a to h: two a category and brand, at 10, 20, … 80."""
    items = {
        name: Item(
            id=name,
            name=name.upper(),
            category=f"c{n // 2}",
            brand=f"b{n % 2}",
            price=10.0 * (n + 1),
            stock=5,
        )
        for n, name in enumerate(LETTERS)
    }
    fields = [{**_fields(item), **changes.get(name, {})} for name, item in items.items()]
    return a_catalog(*(Item(**one) for one in fields))


def _fields(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__struct_fields__}


MODEL = FakeModel(after={"boots": LETTERS}, seen=dict.fromkeys(LETTERS, 99))


def shown(
    user: UserState | None = None,
    request: Request | None = None,
    catalog: Catalog | None = None,
    model: FakeModel = MODEL,
    **rules: Any,
) -> Slate:
    """Return what a placement with these rules shows a visitor who viewed boots."""
    row = Products(**({"slots": 3} | rules))
    decision = decided(
        request or a_request("row"),
        user or a_user(),
        model=model,
        catalog=a_shop() if catalog is None else catalog,
        placements={"row": row},
    )
    return slate_of(decision, "row")


def ids(slate: Slate) -> str:
    return "".join(pick.product_id for pick in slate.picks)


def test_without_rules_the_model_decides() -> None:
    assert ids(shown()) == "abc"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("product.price > 35.0", "def"),
        ("product.category in ['c1', 'c3'] && product.brand == 'b0'", "g"),
        ("product.price > 35.0 && user.known", "def"),
        ("user.categories.hiking > 0.5 && product.price > 35.0", "def"),
        ("product.price < cart.value", "a"),
        ("product.category != page.category && product.stock > 0", "def"),
        ("!(product.id in cart.products) && page.type == 'home'", "abd"),
        ("product.name == 'B' || user.traits.tier == 'gold'", "abd"),
        ("page.type == 'cart'", ""),
        ("product.link == ''", "abd"),
    ],
)
def test_a_filter_sees_product_user_cart_and_page(condition: str, expected: str) -> None:
    user = a_user(
        categories={"hiking": 1.0}, traits={"tier": (NOW, "gold")}, cart=in_cart("c", "x")
    )
    request = a_request("row", page=Page(type="home", category="c0"))
    assert ids(shown(user, request, filter=condition, fill=False)) == expected


def test_a_filter_is_asked_before_ranking_so_that_no_slate_comes_out_short() -> None:
    assert ids(shown(slots=4, filter="product.price > 45.0")) == "efgh"


@pytest.mark.parametrize("step", [("trending",), (Picks(tuple("ab")),), ("new-arrivals",), ()])
def test_a_filter_holds_for_every_step_of_the_chain(step: tuple[Any, ...]) -> None:
    model = FakeModel(trend={"": LETTERS})
    slate = shown(
        model=model, slots=8, fallback=step, filter="product.price > 25.0", pin=(Pin(0, "b"),)
    )
    assert sorted(ids(slate)) == list("cdefgh")


@pytest.mark.parametrize(
    "condition",
    ["product.price < 'cheap'", "user.traits.vip", "size(product.brand) > 9 ? 1 : 2", "page.type"],
)
def test_what_cannot_be_evaluated_does_not_hold_and_is_counted(condition: str) -> None:
    failed: list[str] = []
    decision = decided(
        a_request("row"),
        a_user(),
        model=MODEL,
        catalog=a_shop(),
        placements={"row": Products(filter=condition)},
        failed=failed.append,
    )
    assert slate_of(decision, "row").picks == []
    assert set(failed) == {"row"}


def test_a_filter_follows_the_catalog() -> None:
    catalog = a_shop()
    placements = {"row": Products(filter="product.price < 25.0", explore=0.0)}
    request = a_request("row")

    def now_shown() -> str:
        decision = decided(request, a_user(), model=MODEL, catalog=catalog, placements=placements)
        return ids(slate_of(decision, "row"))

    assert now_shown() == "ab"
    catalog.put("a", encode_item(Item(id="a", name="A", price=99.0)))
    catalog.put("h", encode_item(Item(id="h", name="H", price=9.0)))
    assert now_shown() == "bh"
    catalog.put("b", None)
    assert now_shown() == "h"


def test_what_is_in_the_cart_is_shown_only_where_it_may_be() -> None:
    user = a_user(cart=in_cart("a"))
    assert ids(shown(user)) == "bcd"
    assert ids(shown(user, exclude_in_cart=False)) == "abc"


def test_what_was_viewed_within_some_days_is_left_out() -> None:
    user = a_user(viewed=[(NOW, "boots"), (NOW - DAY_MS, "a"), (NOW - 3 * DAY_MS, "b")])
    assert ids(shown(user, strategy="similar")) == "abc"
    assert ids(shown(user, strategy="similar", exclude_viewed_days=2)) == "bcd"


def test_what_was_bought_within_some_days_is_left_out_thirty_unless_said() -> None:
    user = a_user(bought=[(NOW - 29 * DAY_MS, "a"), (NOW - 31 * DAY_MS, "b")])
    assert ids(shown(user)) == "bcd"
    assert ids(shown(user, exclude_bought_days=60)) == "cde"
    assert ids(shown(user, exclude_bought_days=0)) == "abc"


def test_a_pin_has_its_slot_and_no_other() -> None:
    assert ids(shown(pin=(Pin(1, "f"), Pin(0, "b")))) == "bfa"
    slate = shown(pin=(Pin(2, "h"),))
    assert (ids(slate), slate.picks[2].step) == ("abh", "pin")


@pytest.mark.parametrize("change", [{"stock": 0}, None])
def test_a_pin_that_is_sold_out_or_gone_leaves_its_slot(change: dict[str, Any] | None) -> None:
    catalog = a_shop(f={"stock": 0})
    if change is None:
        catalog.put("f", None)
    assert ids(shown(catalog=catalog, pin=(Pin(1, "f"),))) == "abc"


def test_a_pin_that_is_in_the_cart_or_excluded_leaves_its_slot() -> None:
    assert ids(shown(a_user(cart=in_cart("f")), pin=(Pin(1, "f"),))) == "abc"
    request = a_request("row", options=Options(exclude=["f"]))
    assert ids(shown(request=request, pin=(Pin(1, "f"),))) == "abc"


def test_a_boost_moves_up_and_a_bury_moves_down_by_its_factor() -> None:
    # Relevance is 1, 1/2, 1/3, 1/4, …
    assert ids(shown(boost=(Weight(factor=2.5, when="product.price == 40.0"),))) == "adb"
    assert ids(shown(boost=(Weight(factor=5.0, categories=("c1",)),))) == "cda"
    assert ids(shown(bury=(Weight(factor=0.4, brands=("b0",)),))) == "bad"
    both = Weight(factor=5.0, categories=("c1",), brands=("b1",))
    assert ids(shown(boost=(both,))) == "dab"


def test_a_boost_may_depend_on_the_visitor_and_on_the_page() -> None:
    for_gold = Weight(factor=9.0, when="user.traits.tier == 'gold' && product.id == 'h'")
    same = Weight(factor=9.0, when="product.category == page.category")
    gold = a_user(traits={"tier": (NOW, "gold")})
    assert ids(shown(gold, boost=(for_gold,))) == "hab"
    assert ids(shown(boost=(for_gold,))) == "abc"
    assert ids(shown(request=a_request("row", page=Page(category="c3")), boost=(same,))) == "gha"


def test_what_names_no_product_is_asked_once_a_request_however_many_candidates_there_are() -> None:
    failed: list[str] = []
    weight = Weight(factor=2.0, when="user.traits.tier == 'gold' && product.price > 1.0")
    decided(
        a_request("row", "other"),
        a_user(),
        model=MODEL,
        catalog=a_shop(),
        placements={"row": Products(boost=(weight,)), "other": Products(boost=(weight,))},
        failed=failed.append,
    )
    assert failed == ["row", "other"]  # one failure, told of both that ask it


def test_at_most_so_many_are_of_one_category_or_brand_in_all_steps() -> None:
    assert ids(shown(slots=4, max_per_category=1)) == "aceg"
    slate = shown(slots=4, max_per_category=1, model=FakeModel(trend={"": LETTERS}))
    assert ids(slate) == "aceg"
    assert ids(shown(slots=8, max_per_brand=2)) == "abcd"
    assert ids(shown(slots=3, max_per_category=1, pin=(Pin(0, "b"),))) == "bce"


def passed_over(*products: str, times: int = 3, days_ago: float = 0.5) -> UserState:
    at = NOW - int(days_ago * DAY_MS)
    return a_user(shown=[Shown(name, [at - n for n in range(times)]) for name in products])


def test_what_was_shown_often_and_passed_over_makes_room_for_a_while() -> None:
    assert ids(shown(passed_over("a", "c"))) == "abc"
    assert ids(shown(passed_over("a", "c"), rotate_after=3)) == "bde"
    assert ids(shown(passed_over("a", "c", times=2), rotate_after=3)) == "abc"
    assert ids(shown(passed_over("a", "c", days_ago=2), rotate_after=3)) == "abc"
    assert ids(shown(passed_over("a", "c", days_ago=2), rotate_after=3, rotate_days=7)) == "bde"


def test_what_rests_comes_back_rather_than_that_a_slot_stays_free() -> None:
    assert ids(shown(passed_over("a", "c"), rotate_after=3, slots=8)) == "bdefghac"


def test_what_is_not_relevant_enough_is_not_shown() -> None:
    assert ids(shown(slots=8, min_relevance=0.3)) == "abc"
    slate = shown(slots=8, min_relevance=0.3, fallback=("new-arrivals",))
    assert ids(slate).startswith("abc")
    assert len(slate.picks) == 8


def test_too_few_products_are_none_and_are_free_for_the_next_placement() -> None:
    one = Products(slots=4, min_relevance=0.9, min_items=2)
    decision = decided(
        a_request("one", "two"),
        a_user(),
        model=MODEL,
        catalog=a_shop(),
        placements={"one": one, "two": Products(slots=1)},
    )
    few = slate_of(decision, "one")
    assert (few.picks, few.fallback) == ([], Fallback.TOO_FEW)
    assert ids(slate_of(decision, "two")) == "a"


def test_at_last_the_whole_catalog_fills_a_slate() -> None:
    slate = shown(model=FakeModel(), slots=8)
    assert sorted(ids(slate)) == LETTERS
    assert {pick.step for pick in slate.picks} == {"catalog"}


def test_a_rare_match_is_found_in_a_large_catalog() -> None:
    catalog = a_catalog(
        *(Item(id=f"p{n}", name="P", price=float(n), added_at=n) for n in range(3_000))
    )
    slate = shown(catalog=catalog, model=FakeModel(), filter="product.price < 3.0")
    assert sorted(pick.product_id for pick in slate.picks) == ["p0", "p1", "p2"]


def test_fill_may_be_switched_off() -> None:
    assert ids(shown(model=FakeModel(), fill=False)) == ""


def test_a_catalog_that_was_emptied_lets_nothing_through() -> None:
    catalog = a_shop()
    for name in LETTERS:
        catalog.put(name, None)
    assert ids(shown(catalog=catalog, fallback=(Picks(("a",)),), pin=(Pin(0, "b"),))) == ""


def test_conditions_on_product_and_visitor_together_are_asked_so_many_times_at_most() -> None:
    items = [Item(id=f"p{n}", name="P", price=float(n), added_at=n) for n in range(2_000)]
    failed: list[str] = []
    row = Products(filter="product.price < user.traits.budget")
    decision = decided(
        a_request("row"),
        a_user(),
        model=FakeModel(),
        catalog=a_catalog(*items),
        placements={"row": row},
        failed=failed.append,
    )
    assert slate_of(decision, "row").picks == []
    assert len(failed) == 300


def test_a_placement_that_is_named_twice_is_filled_once() -> None:
    assert ids(shown(request=a_request("row", "row"))) == "abc"

"""Where the products of each strategy come from, and what a shopper is told."""

from config.catalog import Item
from config.durations import DAY_MS
from config.placements import STRATEGIES, Picks, Placement, Products, Strategy
from online_models.decay import Counter
from online_models.users import Order, UserState
from serving.catalog import Catalog
from serving.choices import Decision, Fallback, Pick, Slate
from serving.reasons import Why, why_product
from serving.schemas import Page, Request
from tests.serving.builders import NOW
from tests.serving.deciding import a_catalog, a_request, a_user, decided, in_cart, slate_of
from tests.serving.fake_model import FakeModel

CATEGORIES = {
    "boots": "hiking", "socks": "hiking", "poles": "hiking", "tent": "camping", "mat": "camping",
    "lamp": "camping", "game": "games", "dice": "games",
}  # fmt: skip
CATALOG = a_catalog(
    *(
        Item(id=name, name=name.title(), category=category, added_at=day)
        for day, (name, category) in enumerate(CATEGORIES.items())
    )
)
MODEL = FakeModel(
    after={"boots": ["socks", "tent"], "game": ["dice"]},
    like={"boots": ["poles"]},
    together={"boots": ["socks", "mat"], "tent": ["mat", "lamp"]},
    trend={"": ["lamp", "boots"], "hiking": ["poles", "socks"], "games": ["dice"]},
    seen=dict.fromkeys(CATEGORIES, 99),
)


def shown(
    strategy: Strategy,
    user: UserState | None = None,
    request: Request | None = None,
    *,
    catalog: Catalog = CATALOG,
    slots: int = 4,
) -> Slate:
    """Return what a strategy shows by itself, nothing filled up."""
    placements = {"row": Products(strategy=strategy, slots=slots, fill=False)}
    request = request or a_request("row")
    return slate_of(
        decided(request, user, model=MODEL, catalog=catalog, placements=placements), "row"
    )


def ids(slate: Slate) -> list[str]:
    return [pick.product_id for pick in slate.picks]


def on(product: str, category: str | None = None) -> Request:
    return a_request("row", page=Page(product_id=product, category=category))


def test_similar_is_like_the_product_on_the_page_else_like_the_one_viewed_last() -> None:
    for slate in (shown("similar", None, on("boots")), shown("similar", a_user())):
        assert slate.picks == [Pick("poles", Why.SIMILAR, "boots", "similar")]
        assert slate.fallback is None


def test_bought_together_goes_with_the_product_on_the_page() -> None:
    slate = shown("bought-together", None, on("tent"))
    assert [(pick.product_id, pick.of) for pick in slate.picks] == [
        ("mat", "tent"),
        ("lamp", "tent"),
    ]


def test_cross_sell_goes_with_the_cart_and_is_of_no_category_in_it() -> None:
    slate = shown("cart-cross-sell", a_user(cart=in_cart("boots")))
    assert slate.picks == [Pick("mat", Why.GOES_WITH, "boots", "cart-cross-sell")]


def test_cross_sell_takes_the_cart_of_the_request_before_the_remembered_one() -> None:
    slate = shown("cart-cross-sell", a_user(cart=in_cart("boots")), a_request("row", cart=["tent"]))
    assert ids(slate) == []
    assert shown("cart-cross-sell", a_user()).fallback is Fallback.NOTHING_FITS


def test_for_you_knows_more_than_the_session_and_likes_what_the_visitor_likes() -> None:
    user = a_user(
        viewed=[(NOW, "boots")],
        bought=[(NOW - 200 * DAY_MS, "game")],
        categories={"games": 9.0, "hiking": 1.0},
    )
    slate = shown("for-you", user)
    assert slate.picks[0] == Pick("dice", Why.LOOKED_AT, "game", "for-you")
    assert {"socks", "poles"} < set(ids(slate))
    assert Pick("poles", Why.LIKED, "hiking", "for-you") in slate.picks


def test_trending_is_by_category_of_the_page_else_of_the_visitor_then_of_the_shop() -> None:
    gamer = a_user(categories={"games": 1.0})
    assert ids(shown("trending", gamer)) == ["dice", "lamp", "boots"]
    hiking = a_request("row", page=Page(category="hiking"))
    assert ids(shown("trending", gamer, hiking)) == ["poles", "socks", "lamp", "boots"]
    assert ids(shown("trending", gamer, on("socks"))) == ["poles", "lamp", "boots"]
    assert ids(shown("trending")) == ["lamp", "boots"]


def test_recently_viewed_leaves_out_the_page_and_what_is_for_sale_no_more() -> None:
    viewed = [(NOW - n, name) for n, name in enumerate(["boots", "gone", "tent", "mat"])]
    slate = shown("recently-viewed", a_user(viewed=viewed), on("boots"))
    assert ids(slate) == ["tent", "mat"]
    assert shown("recently-viewed", a_user(viewed=[])).fallback is Fallback.NO_HISTORY


def test_recently_viewed_and_buy_again_are_not_filled_up_unless_it_is_asked_for() -> None:
    for strategy in ("recently-viewed", "buy-again"):
        row = Products(strategy=strategy)
        placements = {"row": row}
        decision = decided(
            a_request("row"), a_user(viewed=[]), model=MODEL, catalog=CATALOG, placements=placements
        )
        assert slate_of(decision, "row").picks == []


def a_buyer() -> UserState:
    days = {"tent": [12, 24], "socks": [9], "game": [2]}
    orders = [Order(NOW - day * DAY_MS, str(day), 1.0) for day in (2, 9, 12, 24)]
    return a_user(
        bought=[(NOW - min(ago) * DAY_MS, name) for name, ago in days.items()],
        purchases={name: [NOW - day * DAY_MS for day in ago] for name, ago in days.items()},
        order_history=orders,
        orders=Counter(total=4),
    )


def test_buy_again_shows_what_is_due_though_other_placements_do_not_show_what_was_bought() -> None:
    slate = shown("buy-again", a_buyer())
    assert [(pick.product_id, pick.why) for pick in slate.picks] == [
        ("tent", Why.REGULAR),
        ("socks", Why.BOUGHT),
    ]
    assert "socks" not in ids(shown("next-best", a_buyer()))


def test_new_arrivals_are_the_newest_of_the_pages_category_then_of_the_shop() -> None:
    assert ids(shown("new-arrivals")) == ["dice", "game", "lamp", "mat"]
    hiking = a_request("row", page=Page(category="hiking"))
    slate = shown("new-arrivals", None, hiking)
    assert ids(slate) == ["poles", "socks", "boots", "dice"]
    assert (slate.picks[0].of, slate.picks[0].why, slate.picks[3].why) == (
        "hiking",
        Why.NEW_IN,
        Why.NEW,
    )


def everything(user: UserState | None) -> Decision:
    placements: dict[str, Placement] = {
        name: Products(strategy=name, allow_repeats=True) for name in STRATEGIES
    }
    request = a_request(*STRATEGIES, page=Page(product_id="boots"))
    return decided(request, user, model=MODEL, catalog=CATALOG, placements=placements)


def test_every_strategy_shows_something_with_a_reason_that_a_shopper_can_read() -> None:
    user = a_buyer()
    user.viewed = [(NOW, "boots"), (NOW - 1, "game"), (NOW - 2, "lamp")]
    user.cart = in_cart("boots")
    decision = everything(user)
    for name in STRATEGIES:
        slate = slate_of(decision, name)
        own = [pick for pick in slate.picks if pick.step == name]
        assert own, name
        for pick in slate.picks:
            reason = why_product(pick.why, pick.of)
            assert reason[0].islower()
            assert "{" not in reason


def test_a_stranger_is_told_that_it_is_not_personal_only_where_it_should_be() -> None:
    fallbacks = {name: slate_of(everything(None), name).fallback for name in STRATEGIES}
    personal = {"next-best", "cart-cross-sell", "for-you", "recently-viewed", "buy-again"}
    assert {name for name, why in fallbacks.items() if why is Fallback.UNKNOWN_USER} == personal
    assert {why for name, why in fallbacks.items() if name not in personal} == {None}


def test_a_chain_is_tried_in_order_and_each_product_says_by_which_step_it_came() -> None:
    row = Products(
        slots=5, fallback=("similar", Picks(("gone", "mat")), "new-arrivals"), explore=0.0
    )
    decision = decided(
        a_request("row"), a_user(), model=MODEL, catalog=CATALOG, placements={"row": row}
    )
    assert [(pick.product_id, pick.step) for pick in slate_of(decision, "row").picks] == [
        ("socks", "next-best"),
        ("tent", "next-best"),
        ("poles", "similar"),
        ("mat", "picks"),
        ("dice", "new-arrivals"),
    ]


def test_the_model_is_asked_once_for_placements_that_ask_the_same() -> None:
    model = FakeModel(after=MODEL.after)
    rows = {"one": Products(slots=1), "two": Products(slots=1)}
    decided(a_request("one", "two"), a_user(), model=model, catalog=CATALOG, placements=rows)
    assert model.n_asked == 1

"""Whatever visitors, models, catalogs and requests there are: a decision, and a sound one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from config.catalog import Item
from config.placements import Picks, Placement, Products
from online_models.decay import Counter
from online_models.users import UserState
from serving.catalog import Catalog
from serving.choices import Fallback, Slate
from serving.eligibility import barred_products
from serving.rules import slate_rules
from serving.schemas import CartLine, Context, Options, Page, Request
from tests.serving.builders import NOW
from tests.serving.deciding import (
    HERO,
    OFFER,
    a_catalog,
    a_model,
    a_request,
    a_user,
    decided,
    in_cart,
)

PRODUCTS = st.sampled_from(list("abcdefgh"))
LISTS = st.lists(PRODUCTS, max_size=8)
UNIQUE = st.lists(PRODUCTS, max_size=8, unique=True)
CATEGORIES = st.sampled_from(["", "x", "y"])


@st.composite
def users(draw: st.DrawFn) -> UserState | None:
    if draw(st.booleans()):
        return None
    ages = st.integers(0, 60 * 24 * 60 * 60 * 1000)
    return a_user(
        viewed=[(NOW, name) for name in draw(UNIQUE)],
        bought=[(NOW - draw(ages), name) for name in draw(UNIQUE)],
        cart=in_cart(*draw(LISTS)),
        categories=draw(st.dictionaries(CATEGORIES, st.floats(0, 1e9), max_size=3)),
        orders=Counter(total=draw(st.integers(0, 3))),
    )


@st.composite
def requests(draw: st.DrawFn) -> Request:
    page = draw(st.none() | st.builds(Page, product_id=st.none() | PRODUCTS))
    lines = st.lists(PRODUCTS | st.builds(CartLine, product_id=PRODUCTS), max_size=4)
    limit = st.none() | st.integers(1, 50)
    return a_request(
        "row",
        "trend",
        "hero",
        "exit",
        page=page,
        cart=draw(st.none() | lines),
        options=draw(st.none() | st.builds(Options, limit=limit, exclude=LISTS)),
        context=draw(st.none() | st.just(Context(trigger="exit-intent"))),
    )


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    stocks = st.none() | st.integers(0, 2)
    return a_catalog(*(Item(id=name, name=name, stock=draw(stocks)) for name in draw(UNIQUE)))


@settings(max_examples=300, deadline=None)
@given(
    user=users(),
    request=requests(),
    catalog=catalogs(),
    after=st.dictionaries(PRODUCTS, UNIQUE, max_size=4),
    popular=st.dictionaries(CATEGORIES, UNIQUE, max_size=3),
    shop_picks=LISTS,
    missing=st.none() | st.sampled_from(Fallback),
)
def test_a_slate_is_never_too_long_repeats_nothing_and_holds_nothing_barred(
    user: UserState | None,
    request: Request,
    catalog: Catalog,
    after: dict[str, list[str]],
    popular: dict[str, list[str]],
    shop_picks: list[str],
    missing: Fallback | None,
) -> None:
    picks = (Picks(tuple(shop_picks)),)
    row = Products(slots=4, fallback=picks)
    trend = Products(slots=4, strategy="trending", fallback=picks)
    placements: dict[str, Placement] = {"row": row, "trend": trend, "hero": HERO, "exit": OFFER}
    decision = decided(
        request,
        user,
        model=a_model(after, popular),
        catalog=catalog,
        placements=placements,
        missing=missing if user is None else None,
    )
    assert list(decision.choices) == request.placements
    in_cart = [str(line.product_id) for line in request.cart_lines()]
    barred = barred_products(request, user, in_cart, slate_rules(row).excluded, NOW)
    n_slots = (request.options and request.options.limit) or 4
    everything = [
        pick.product_id
        for slate in decision.choices.values()
        if isinstance(slate, Slate)
        for pick in slate.picks
    ]
    assert len(everything) == len(set(everything))
    for slate in decision.choices.values():
        if isinstance(slate, Slate):
            shown = [pick.product_id for pick in slate.picks]
            assert len(shown) == len(set(shown)) <= n_slots
            assert not barred & set(shown)
            for_sale = catalog.for_sale()
            assert for_sale is None or set(shown) <= for_sale
    assert (decision.fallback is not None) or user is not None

"""Whatever visitors, models, catalogs and requests there are: a decision, and a sound one."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from config.catalog import Item
from config.placements import STRATEGIES, Picks, Pin, Placement, Products, Strategy
from online_models.decay import Counter
from online_models.users import UserState
from serving.catalog import Catalog
from serving.choices import Fallback, Slate
from serving.eligibility import barred_products
from serving.rules import slate_rules
from serving.schemas import CartLine, Options, Page, Request
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
    slate_of,
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
        context=draw(st.none() | st.just({"trigger": "exit-intent"})),
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
    barred = barred_products(request, user, slate_rules(row).excluded, NOW)
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


FILTERS = [
    "",
    "product.price > 2.0",
    "product.stock > 1 && user.known",
    "product.price > cart.value",
]


@settings(max_examples=300, deadline=None)
@given(
    user=users(),
    request=requests(),
    prices=st.dictionaries(PRODUCTS, st.floats(0, 9), min_size=1),
    after=st.dictionaries(PRODUCTS, UNIQUE, max_size=4),
    strategy=st.sampled_from(STRATEGIES),
    condition=st.sampled_from(FILTERS),
    pins=UNIQUE,
    explore=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 9),
)
def test_a_slate_is_full_as_long_as_enough_may_be_shown_and_holds_to_every_rule(
    user: UserState | None,
    request: Request,
    prices: dict[str, float],
    after: dict[str, list[str]],
    strategy: Strategy,
    condition: str,
    pins: list[str],
    explore: float,
    seed: int,
) -> None:
    items = [Item(id=name, name=name, price=price, stock=2) for name, price in prices.items()]
    row = Products(
        strategy=strategy,
        slots=4,
        filter=condition,
        fill=True,
        pin=tuple(Pin(slot, name) for slot, name in enumerate(pins[:4])),
        explore=explore,
    )
    decision = decided(
        request,
        user,
        model=a_model(after, {}),
        catalog=a_catalog(*items),
        placements={"row": row, "trend": Products(slots=2), "hero": HERO, "exit": OFFER},
        rng=Random(seed),
    )
    rules = slate_rules(row)
    barred = barred_products(request, user, rules.excluded, NOW)
    # What is bought again may have been bought a moment ago.
    bought_again = barred_products(request, user, rules.excluded_again, NOW)
    worth = _worth(request, user, prices)
    fits = {
        name
        for name, price in prices.items()
        if {
            "": True,
            FILTERS[1]: price > 2.0,
            FILTERS[2]: user is not None,
            FILTERS[3]: price > worth,
        }[condition]
    }
    shown = [pick.product_id for pick in slate_of(decision, "row").picks]
    n_slots = (request.options and request.options.limit) or 4
    assert set(shown) <= fits - (bought_again if strategy == "buy-again" else barred)
    assert len(shown) >= min(n_slots, len(fits - barred))
    assert all(0 < pick.probability <= 1 for pick in slate_of(decision, "row").picks)


def _worth(request: Request, user: UserState | None, prices: dict[str, float]) -> float:
    """Return what the cart is worth; each remembered line is one piece at 10."""
    if request.cart is None:
        return 10.0 * len(user.cart) if user is not None else 0.0
    lines = request.cart_lines()
    return sum(line.quantity * prices.get(str(line.product_id), 0.0) for line in lines)

import pytest

from config.conditions import InvalidCondition, compile_condition, compile_test, needed_fields


def test_a_condition_is_cut_by_what_its_parts_name() -> None:
    condition = compile_condition(
        "product.price < 9.0 && user.known && product.brand == page.type && product.stock > 1"
    )
    assert condition.product is not None
    assert condition.product.source == "(product.price < 9.0) && (product.stock > 1)"
    assert [test.source for test in condition.request] == ["user.known"]
    assert [test.source for test in condition.both] == ["product.brand == page.type"]


@pytest.mark.parametrize(
    "source",
    [
        "product.price < 9.0 && user.known || page.type == 'cart'",
        "user.known ? product.price < 9.0 && true : false",
        "product.name == r'a' && user.known",
        "product.name == '''a && b''' && user.known",
        "product.name == 'it\\'s' && user.known",
    ],
)
def test_what_cannot_be_cut_safely_stays_whole(source: str) -> None:
    condition = compile_condition(source)
    assert (condition.product, condition.request) == (None, ())
    assert [test.source for test in condition.both] == [source]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("product.price <", "at 16 of 'product.price <', before ''"),
        ("product.price < 9 && )", "at 22"),
        ("prodct.price < 9", "'prodct' is not known; allowed: product, user, session, cart"),
        ("product.colour == 'red'", "product.colour is not known; allowed: added_at, brand"),
        ("1", "this is always 1; allowed: what is true or false"),
        ("'yes'", "this is always 'yes'; allowed: what is true or false"),
        ("user.known && 'yes'", "this is always 'yes'; allowed: what is true or false"),
        ("null", "this is always None; allowed: what is true or false"),
        ("1 / 0 == 1", "this can never be evaluated: "),
        ("cart.products.exists(cart, cart == 'a') && cart.value > 0.0", "'cart' is a name of ours"),
        ("user.traits.exists(user_traits, true)", "'user_traits' is a name of ours"),
        ("cheap(product)", "cheap() is not known; allowed: bytes, contains"),
    ],
)
def test_a_condition_that_is_none_says_where_and_what_is_allowed(source: str, problem: str) -> None:
    with pytest.raises(InvalidCondition) as raised:
        compile_condition(source)
    assert problem in str(raised.value)


@pytest.mark.parametrize("source", ["true", "false", "1 == 2", "[1, 2].exists(x, x > 1)"])
def test_what_names_nothing_may_be_true_or_false(source: str) -> None:
    assert compile_test(source).names == frozenset()


def test_only_fields_that_are_named_are_needed() -> None:
    one = compile_condition("product.price < 9 && product.name == 'the user of product.colour'")
    other = compile_condition("size(product) > 1 && cart.value > 3.0")
    assert needed_fields(one.tests) == {"product": frozenset(("price", "name"))}
    assert needed_fields((*one.tests, *other.tests)) == {
        "product": None,
        "cart_value": None,
    }


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("user.traits.tier == 'gold'", {"user_traits": frozenset({"tier"})}),
        (
            "has(user . context.city) && user.n_views > 1",
            {"user_n_views": None, "user_context": frozenset({"city"})},
        ),
        ("'user.brands' in user.brands", {"user_brands": None}),
        ("user.categories.exists(c, user.categories[c] > 0.5)", {"user_categories": None}),
        ("context.size() > 1 && context.city == 'Graz'", {"context": None}),
        ("has(user.traits)", {"user": frozenset({"traits"})}),
        ("user.traits.tier == 'silver'", {"user_traits": frozenset({"tier"})}),
        ("user.traits.link == 'https://r'", {"user_traits": frozenset({"link"})}),
        ("user.traits.tier == r'gold'", {"user": frozenset({"traits"})}),
        ("user.traits.tier == br'gold'", {"user": frozenset({"traits"})}),
        ("cart.value > 1.0 // user.traits", {"cart": frozenset({"value"})}),
    ],
)
def test_fields_are_variables_of_their_own_where_that_can_be_told(
    source: str, fields: dict[str, frozenset[str] | None]
) -> None:
    assert compile_test(source).fields == fields


def test_names_that_a_condition_binds_itself_are_its_own() -> None:
    condition = compile_condition("cart.products.exists(x, x == product.id)")
    assert len(condition.both) == 1
    assert compile_test("page.type == '.exists(cart, true)'").names == {"page_type"}

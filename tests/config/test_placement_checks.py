"""Each mistake in a placement is refused, by name of placement and field, with what is allowed."""

from typing import Any

import pytest

from config.errors import SettingsError
from config.placements import Picks, Products
from config.settings import parse_settings

MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"strategy": "best"}, "strategy", "'next-best', 'similar'"),
    ({"slotz": 4}, "slotz", "did you mean slots?"),
    ({"slots": 0}, "slots", "a whole number from 1 to 50"),
    ({"fallback": ["popular"]}, "fallback[0]", "or strategies: next-best, similar"),
    ({"fallback": [{"product": "map"}]}, "fallback[0].product", "did you mean products?"),
    ({"fill": "yes"}, "fill", "true or false"),
    ({"filter": "product.price <"}, "filter", "at 16"),
    ({"filter": 3}, "filter", "a condition in CEL"),
    ({"exclude_in_cart": 1}, "exclude_in_cart", "true or false"),
    ({"exclude_viewed_days": -1}, "exclude_viewed_days", "days, from 0 to 3650"),
    (
        {"exclude_viewed_days": 1, "strategy": "recently-viewed"},
        "exclude_viewed_days",
        "allowed: 0",
    ),
    ({"exclude_bought_days": 9999}, "exclude_bought_days", "days, from 0 to 3650"),
    ({"pin": [{"slot": 4, "product": "map"}]}, "pin[0].slot", "0 to 3"),
    ({"pin": [{"slot": 0, "product": "a"}, {"slot": 0, "product": "b"}]}, "pin", "each slot once"),
    ({"pin": ["map"]}, "pin[0]", "slot = 0"),
    ({"boost": [{"factor": 0.5, "brands": ["x"]}]}, "boost[0].factor", "above 1"),
    ({"boost": [{"factor": 2.0}]}, "boost[0]", "at least one"),
    ({"boost": [{"factor": 2.0, "when": "usr.known"}]}, "boost[0].when", "'usr' is not known"),
    ({"bury": [{"factor": 2.0, "brands": ["x"]}]}, "bury[0].factor", "between 0 and 1"),
    ({"bury": [{"when": "true"}]}, "bury[0]", "factor between 0 and 1"),
    ({"max_per_category": 0}, "max_per_category", "a whole number from 1 to 50"),
    ({"max_per_brand": "two"}, "max_per_brand", "a whole number from 1 to 50"),
    ({"rotate_after": 9}, "rotate_after", "impressions, from 1 to 8"),
    ({"rotate_days": 0}, "rotate_days", "days, from 1 to 365"),
    ({"min_relevance": 2}, "min_relevance", "a number from 0 to 1"),
    ({"min_relevance": 0.1, "strategy": "trending"}, "min_relevance", "allowed: with"),
    ({"min_items": 5}, "min_items", "0 to its 4 slots"),
    ({"explore": -0.1}, "explore", "a number from 0 to 1"),
    ({"explore": 0.1, "strategy": "buy-again"}, "explore", "allowed: 0"),
    ({"allow_repeats": "no"}, "allow_repeats", "true or false"),
]


def read(fields: dict[str, Any]) -> Products:
    placement = parse_settings({"placements": {"home": {"type": "products"} | fields}}, {})
    found = placement.placements["home"]
    assert isinstance(found, Products)
    return found


@pytest.mark.parametrize(("fields", "field", "allowed"), MISTAKES, ids=str)
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(
    fields: dict[str, Any], field: str, allowed: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        read(fields)
    assert str(raised.value).startswith(f"[placements.home] {field}")
    assert allowed in str(raised.value)


def test_every_field_has_a_mistake_in_this_table() -> None:
    named = {field.partition("[")[0] for _, field, _ in MISTAKES}
    assert set(Products.__struct_fields__) <= named


def test_a_type_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="type: allowed: 'products', 'banner', 'offer'"):
        parse_settings({"placements": {"home": {"type": "rows"}}}, {})


def test_a_chain_names_strategies_and_picks() -> None:
    chain = read({"fallback": ["similar", {"products": ["map"]}, "trending"]}).fallback
    assert chain == ("similar", Picks(("map",)), "trending")

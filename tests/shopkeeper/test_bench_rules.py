"""The bench of rules measures each kind; times are not judged, that each was measured is."""

from random import Random

import pytest

from config.placements import Products
from serving.decision import Shop, decide
from serving.schemas import Options, Page, Request
from shopkeeper.bench_rules import KINDS, Ranked, _user, a_catalog, bench_rules


def test_every_kind_of_rule_has_a_figure() -> None:
    figures = bench_rules(rounds=1, seed=1)
    assert figures["decide_us"].keys() == KINDS.keys()
    assert min(figures["decide_us"].values()) > 0
    assert figures["take_in_product_us"] > 0


@pytest.mark.parametrize("kind", list(KINDS)[1:])
def test_each_rule_that_is_measured_does_something(kind: str) -> None:
    rng, ids = Random(1), [f"p{n}" for n in range(300)]
    catalog, model = a_catalog(ids, rng), Ranked(rng.sample(ids, 200))
    users = [_user(ids, rng) for _ in range(20)]
    users[0].traits = {}
    # So many that a rule hits one of them for certain.
    options = Options(limit=30)
    request = Request(placements=["row"], page=Page(type="home"), options=options)

    def slates(placement: Products) -> list[object]:
        shop = Shop(model, catalog, {"row": placement})
        return [decide(request, user, shop, 1_700_000_000_000, Random(1)).choices for user in users]

    assert slates(KINDS[kind]) != slates(KINDS["no rules"])

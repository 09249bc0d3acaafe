import gc
from random import Random

from config.campaign_checks import read_campaigns
from online_models.recommender import Recommender
from serving.campaigns import made_ready
from serving.catalog import Catalog
from serving.decision import Shop, decide
from tests.serving.builders import NOW
from tests.serving.deciding import PLACEMENTS, POPULAR, a_request, a_user, lessons

N_DECISIONS = 20
CAMPAIGNS = """
[campaigns.x]
placements = ["hero"]
when = "user.n_orders == 0 && session.focus == '' && cart.value < 9.0 && context.city == ''"
variations.a.headline = "{favourite_category|all}"
"""


def test_a_decision_leaves_nothing_to_the_garbage_collector() -> None:
    seen = [f"product-{n}" for n in range(20)]
    said = lessons({name: [f"{name}-{m}" for m in range(9)] for name in seen}, POPULAR)
    model = Recommender(capacity=4_096)
    for step in said.steps:
        model.index_one(step)
    for name, data in said.rows.items():
        model.popularity.put(name, data)
    user = a_user(viewed=[(NOW - n, name) for n, name in enumerate(seen)], categories={"a": 1.0})
    request = a_request("next-best", "trending", "hero", "exit")
    shop, rng = Shop(model, Catalog(), PLACEMENTS), Random(1)
    shop.use(made_ready(read_campaigns(CAMPAIGNS, PLACEMENTS)))
    decide(request, user, shop, NOW, rng)
    gc.collect()
    gc.disable()
    try:
        n_before = len(gc.get_objects())
        for _ in range(N_DECISIONS):
            decide(request, user, shop, NOW, rng)
        n_left = len(gc.get_objects()) - n_before
    finally:
        gc.enable()
    assert n_left < N_DECISIONS

import gc

from tests.serving.builders import NOW
from tests.serving.deciding import a_model, a_request, a_user, decided

N_DECISIONS = 20


def test_a_decision_leaves_nothing_to_the_garbage_collector() -> None:
    seen = [f"product-{n}" for n in range(20)]
    model = a_model(after={name: [f"{name}-{m}" for m in range(9)] for name in seen})
    user = a_user(viewed=[(NOW - n, name) for n, name in enumerate(seen)], categories={"a": 1.0})
    request = a_request("next-best", "trending", "hero", "exit")
    decided(request, user, model=model)
    gc.collect()
    gc.disable()
    try:
        n_before = len(gc.get_objects())
        for _ in range(N_DECISIONS):
            decided(request, user, model=model)
        n_left = len(gc.get_objects()) - n_before
    finally:
        gc.enable()
    assert n_left < N_DECISIONS

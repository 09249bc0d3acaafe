import gc
import weakref

from online_models.baskets import Baskets
from online_models.next_product import NextProduct, Suggestion
from online_models.session_index import N_PREFIX, visit_seen

CAPACITY = 1_024


def learned(*walks: list[str]) -> NextProduct:
    model = NextProduct(CAPACITY)
    for session, walk in enumerate(walks):
        for product_id in walk:
            model.learn_one(session, product_id)
    return model


def ids(found: list[Suggestion]) -> list[str]:
    return [one.product_id for one in found]


def test_what_often_comes_next_comes_first_with_what_led_to_it() -> None:
    model = learned(*[["boots", "laces"]] * 5, ["boots", "hat"])

    first, second, *_ = model.next_best(["boots"])

    assert (first.product_id, first.because) == ("laces", "boots")
    assert second.product_id == "hat"
    assert 1.0 >= first.score > second.score > 0.0


def test_the_product_viewed_last_weighs_most() -> None:
    model = learned(["boots", "laces"], ["hat", "scarf"])

    assert ids(model.next_best(["hat", "boots"]))[0] == "scarf"
    assert ids(model.next_best(["boots", "hat"]))[0] == "laces"


def test_a_refused_product_makes_room_for_the_next_and_the_slate_is_full() -> None:
    model = learned(*(["boots", f"p{n}"] for n in range(300)))

    def only_three(product_id: str) -> bool:
        return product_id in ("p7", "p150", "p299")

    assert sorted(ids(model.next_best(["boots"], only_three, most=3))) == ["p150", "p299", "p7"]
    assert len(model.next_best(["boots"], lambda name: name != "p299", most=20)) == 20


def test_the_visitors_own_session_does_not_count_for_what_follows_from_it() -> None:
    model = learned(["tent", "mat"], ["boots", "laces"], ["boots", "hat"])

    assert ids(model.next_best(["hat"], lambda name: name != "hat", most=1, session=2)) == ["laces"]
    assert ids(model.next_best(["hat"], lambda name: name != "hat", most=1)) == ["boots"]


def test_where_others_know_too_little_the_visitors_own_steps_count() -> None:
    model = learned(["tent", "mat"], ["boots", "hat"])

    assert ids(model.next_best(["hat"], lambda name: name != "hat", session=1)) == ["boots"]


def test_a_session_in_the_index_tells_of_repeats_that_a_list_of_products_cannot() -> None:
    model = learned(["boots", "hat", "boots", "hat"])

    assert seen_by(model, ["hat", "boots"], session=0) == [("hat", 2), ("boots", 2)]


def test_what_was_viewed_since_the_index_was_told_comes_in_front() -> None:
    model = learned(["tent"], ["boots", "hat"])

    seen = seen_by(model, ["tent", "hat", "boots", "tent"], session=1)

    assert seen == [("tent", 2), ("hat", 1), ("boots", 1)]


def seen_by(model: NextProduct, viewed: list[str], session: int) -> list[tuple[str, int]]:
    """Return which products the model looks at, latest first, and how often each was seen."""
    steps = model.steps
    visit_seen(steps.index, steps.visit, steps.rows_of(viewed), steps.first_event(session))
    n = int(steps.visit.counts[N_PREFIX])
    names = [steps.slots.names[row] for row in steps.visit.prefix[:n]]
    return list(zip(names, steps.visit.times[:n].tolist(), strict=True))


def test_products_of_the_same_sessions_are_similar_and_the_product_itself_is_not_told() -> None:
    model = learned(*[["boots", "laces"]] * 5, ["tent", "mat"])

    assert ids(model.similar("boots"))[0] == "laces"
    assert "boots" not in ids(model.similar("boots"))
    assert model.similar("nobody-knows-it") == []


def test_what_lies_in_baskets_together_goes_together() -> None:
    baskets = Baskets(CAPACITY)
    for basket in range(4):
        for product_id in ("boots", "laces"):
            baskets.learn_one(basket, product_id)
    baskets.learn_one(9, "boots")
    baskets.learn_one(9, "hat")

    found = baskets.bought_with(["boots"])

    assert ids(found) == ["laces", "hat"]
    assert (found[0].score, found[0].because) == (1.0, "boots")
    assert ids(baskets.bought_with(["boots"], lambda name: name != "laces")) == ["hat"]


def test_what_only_servers_do_leaves_ranker_and_vectors_to_the_learner() -> None:
    learning, serving = NextProduct(CAPACITY), NextProduct(CAPACITY)
    for session in range(50):
        for product_id in ("boots", f"p{session % 5}", "hat"):
            learning.learn_one(session, product_id)
            serving.index_one(session, product_id)

    assert (learning.steps.index.products == serving.steps.index.products).all()
    assert (learning.steps.index.events == serving.steps.index.events).all()
    assert learning.n_trained[0] > 0 == serving.n_trained[0]
    assert (learning.vectors.table != serving.vectors.table).any()


def test_a_model_that_is_let_go_leaves_nothing_to_the_garbage_collector() -> None:
    model = NextProduct(capacity=64)
    model.learn_one(1, "boots")
    model.learn_one(1, "socks")
    seen = weakref.ref(model.steps)
    gc.disable()
    try:
        del model
        assert seen() is None
    finally:
        gc.enable()

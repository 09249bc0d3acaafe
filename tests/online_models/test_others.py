"""Training, evaluation and a visitor's question see the same of a session: never its own steps."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.candidates import N_FEATURES
from online_models.generators import gather
from online_models.kernels import VECTORS_BEHIND, ask, train_ranker
from online_models.next_product import NextProduct
from online_models.session_index import COUNT, HEAD, LAST, NONE, visit_session

OWN, STRANGER = 99, "z"
NAMES = "abcdez"

walks = st.lists(st.tuples(st.integers(0, 8), st.sampled_from("abcde")), max_size=80)
sessions = st.lists(st.sampled_from("abcde"), min_size=1, max_size=12)

Described = dict[str, list[float]]


def told(walk: list[tuple[int, str]], capacity: int = 256) -> NextProduct:
    model = NextProduct(capacity)
    model.set_names(list(NAMES))
    rng = np.random.default_rng(1)
    table = model.vectors.table
    table[:] = rng.normal(size=table.shape) / np.sqrt(table.shape[1])
    for session, product_id in walk:
        model.index_one(session, product_id)
    return model


def described(model: NextProduct, kept: int) -> Described:
    """Return the features of each candidate that were worked out last."""
    shortlist, names = model._shortlist, model.steps.slots.names
    chosen = model.steps.evidence.items[shortlist.chosen[:kept]]
    return {names[item]: shortlist.features[place].tolist() for place, item in enumerate(chosen)}


def asked(model: NextProduct, seen: list[str], session: int | None) -> Described:
    own = model.steps.first_event(session)
    return described(model, ask(model._asked, model.steps.rows_of(seen), own, least=-1_000)[0])


def trained(model: NextProduct, session: int, product_id: str) -> Described:
    """Return what the ranker is told when it learns that a session went on to a product."""
    steps, item = model.steps, model.steps.slots.number(product_id)
    assert item is not None
    first = steps.first_event(session)
    visit_session(steps.index, int(steps.index.events[first, LAST]), steps.visit)
    n_candidates = gather(steps.index, steps.evidence, steps.visit, first)
    train_ranker(model._learned, first, item)
    assert model.n_trained[0] == 1
    return described(model, n_candidates)


@settings(max_examples=150, deadline=None)
@given(walk=walks, own=sessions)
def test_training_and_asking_see_the_same_features_for_the_same_session(
    walk: list[tuple[int, str]], own: list[str]
) -> None:
    """In the evaluation the session is not in the index: meanwhile others do something else."""
    among = told([*walk, *((OWN, product_id) for product_id in own)])
    learning = told([*walk, *((OWN, product_id) for product_id in own)])
    absent = told([*walk, *((1_000 + n, STRANGER) for n in range(len(own)))])

    live = asked(among, own[::-1], OWN)
    evaluated = asked(absent, own[::-1], None)
    learned = trained(learning, OWN, own[0])

    assert live.keys() == evaluated.keys() == learned.keys()
    for name, features in live.items():
        assert len(features) == N_FEATURES
        np.testing.assert_array_equal(features, learned[name])
        np.testing.assert_allclose(features, evaluated[name], rtol=1e-5, atol=1e-6)


def test_what_nobody_else_has_seen_counts_nothing() -> None:
    model = told([(1, "a"), (OWN, "b"), (OWN, "c"), (OWN, "b")])

    asked(model, ["b", "c"], OWN)

    visit = model.steps.visit
    assert visit.others[:2, COUNT].tolist() == [0, 0]
    assert visit.others[:2, HEAD].tolist() == [NONE, NONE]
    assert visit.others_recent[:2].tolist() == [0.0, 0.0]


def test_the_vectors_learn_a_session_when_it_has_been_ranked() -> None:
    """What they knew of its last steps, they would not know when it is asked."""
    model = NextProduct(1 << 12)
    for number in range(VECTORS_BEHIND):
        model.learn_one(number // 4, f"p{number % 50}")
    model.learn_one(999, "tent")
    model.learn_one(999, "mat")
    before = nearness(model)
    for session in range(1_000, 1_020):
        model.learn_one(session, "tent")
        model.learn_one(session, "mat")
    at_once = nearness(model)

    for number in range(VECTORS_BEHIND):
        model.learn_one(2_000 + number // 4, f"p{number % 50}")

    assert abs(at_once - before) < 0.1
    assert nearness(model) > 0.9


def nearness(model: NextProduct) -> float:
    one, other = model.vectors.table[model.steps.rows_of(["tent", "mat"])]
    return float(one @ other)

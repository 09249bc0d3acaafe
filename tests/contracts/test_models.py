"""What every model of sessions must do; one that is named in ``MODELS`` is tested by all of it."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import numpy as np
import pytest

from online_models.baskets import Baskets
from online_models.next_product import NextProduct, Suggestion
from online_models.snapshots import read_snapshot, take_block, take_snapshot, take_weights
from online_models.steps import Steps

RING = 200  # products
SESSION = 5  # events


class SessionModel(Protocol):
    """What the suite asks of a model."""

    steps: Steps

    def learn_one(self, session: int, product_id: str) -> None:
        """Learn that a session went on to a product."""


Ask = Callable[[list[str]], list[Suggestion]]


@dataclass(frozen=True)
class Kind:
    """A model: how it is made (capacity), asked, and made again from what is kept of it."""

    make: Callable[[int], SessionModel]
    asking: Callable[[SessionModel], Ask]
    restored: Callable[[SessionModel, list[tuple[int, str]], int], SessionModel]


def a_next_product(capacity: int) -> NextProduct:
    return NextProduct(capacity, seed=7)


def ask_next_product(model: SessionModel) -> Ask:
    assert isinstance(model, NextProduct)
    return model.next_best


def restored_next_product(
    model: SessionModel, steps: list[tuple[int, str]], capacity: int
) -> NextProduct:
    """Return the model of a snapshot's bytes and the log of steps."""
    assert isinstance(model, NextProduct)
    data, blocks = take_snapshot(model, len(steps), "table")
    other = NextProduct(capacity)
    for session, product_id in steps:
        other.index_one(session, product_id)
    for block in blocks:
        take_block(other, block)
    take_weights(other, read_snapshot(data))
    return other


def ask_baskets(model: SessionModel) -> Ask:
    assert isinstance(model, Baskets)
    return model.bought_with


def restored_baskets(_: SessionModel, steps: list[tuple[int, str]], capacity: int) -> Baskets:
    """Return the model of the log of steps, which is all that it is made of."""
    other = Baskets(capacity)
    for session, product_id in steps:
        other.learn_one(session, product_id)
    return other


MODELS = {
    "next_product": Kind(a_next_product, ask_next_product, restored_next_product),
    "baskets": Kind(Baskets, ask_baskets, restored_baskets),
}


@pytest.fixture(params=MODELS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return MODELS[request.param]


def ring_walk(seed: int, n_sessions: int) -> list[list[str]]:
    """Return sessions that go round a ring of products, one or two on; now and then they jump."""
    rng = Random(seed)
    walks = []
    for _ in range(n_sessions):
        place, walk = rng.randrange(RING), []
        for _ in range(SESSION):
            walk.append(f"p{place}")
            jump = rng.random() < 0.1
            place = rng.randrange(RING) if jump else (place + rng.choice([1, 1, 1, 2])) % RING
        walks.append(walk)
    return walks


def as_steps(walks: list[list[str]]) -> list[tuple[int, str]]:
    return [(session, product_id) for session, walk in enumerate(walks) for product_id in walk]


def learn(model: SessionModel, walks: list[list[str]]) -> None:
    for session, product_id in as_steps(walks):
        model.learn_one(session, product_id)


def n_bytes(model: SessionModel) -> int:
    """Return the size of all arrays that a model holds."""
    steps = model.steps
    held: list[Any] = [*steps.index, *steps.evidence, *steps.visit]
    if isinstance(model, NextProduct):
        held += [*model.vectors, *model.ranker]
    return sum(array.nbytes for array in held)


def test_it_answers_before_it_has_learned(kind: Kind) -> None:
    assert kind.asking(kind.make(1_024))(["boots"]) == []


def test_asking_does_not_change_it_and_leaves_what_was_asked_alone(kind: Kind) -> None:
    model, twin = kind.make(1_024), kind.make(1_024)
    walks, viewed = ring_walk(1, 100), ["p7", "p6", "nobody-knows-it"]
    for walk in walks[:50]:
        learn(model, [walk])
        learn(twin, [walk])
        first = kind.asking(model)(viewed)
        assert kind.asking(model)(viewed) == first
    learn(model, walks[50:])
    learn(twin, walks[50:])

    assert viewed == ["p7", "p6", "nobody-knows-it"]
    assert kind.asking(model)(viewed) == kind.asking(twin)(viewed)


def test_it_lives_with_products_that_it_does_not_know(kind: Kind) -> None:
    model = kind.make(1_024)
    learn(model, [["boots", "laces"], ["", "ß" * 300], ["hat"]])

    assert kind.asking(model)([]) == []
    assert kind.asking(model)(["nobody-knows-it"]) == []
    [first, *_] = kind.asking(model)(["nobody-knows-it", "boots"])
    assert (first.product_id, first.because) == ("laces", "boots")
    assert {one.product_id for one in kind.asking(model)(["hat"])} <= {"hat"}


def test_a_new_product_is_suggested_as_soon_as_one_session_turned_to_it(kind: Kind) -> None:
    model = kind.make(1_024)
    learn(model, ring_walk(1, 100))
    for product_id in ("p3", "brand-new"):
        model.learn_one(10_000, product_id)

    assert "brand-new" in [one.product_id for one in kind.asking(model)(["p3"])]


def test_scores_are_shares_best_first_and_no_product_comes_twice(kind: Kind) -> None:
    model = kind.make(4_096)
    learn(model, ring_walk(1, 400))

    for place in range(RING):
        found = kind.asking(model)([f"p{place}", f"p{place - 1}"])
        scores = [one.score for one in found]
        assert scores == sorted(scores, reverse=True)
        assert all(0.0 <= score <= 1.0 for score in scores)
        assert len({one.product_id for one in found}) == len(found) <= 20


def test_the_same_seed_and_steps_give_the_same_answers(kind: Kind) -> None:
    first, second = kind.make(1_024), kind.make(1_024)
    for model in (first, second):
        learn(model, ring_walk(1, 300))

    for place in range(RING):
        assert kind.asking(first)([f"p{place}"]) == kind.asking(second)([f"p{place}"])


def test_it_answers_the_same_after_it_was_made_again_from_what_is_kept(kind: Kind) -> None:
    walks, model = ring_walk(1, 300), kind.make(2_048)
    learn(model, walks)

    other = kind.restored(model, as_steps(walks), 2_048)

    for place in range(RING):
        viewed = [f"p{place}", f"p{place - 1}"]
        assert kind.asking(other)(viewed) == kind.asking(model)(viewed)


def test_it_stays_bounded_however_much_it_learns(kind: Kind) -> None:
    model, capacity = kind.make(256), 256
    for number in range(4 * capacity):
        model.learn_one(number // SESSION, f"first-{number}")
    before = n_bytes(model)

    for number in range(20 * capacity):
        model.learn_one(capacity + number // SESSION, f"p{number}")

    assert n_bytes(model) == before
    assert len(model.steps.slots) == capacity  # each of the last events is of another product
    assert len(model.steps.slots.names) <= capacity + 1
    newest = f"p{20 * capacity - 1}"
    assert [one.because for one in kind.asking(model)([newest])][:1] == [newest]


def test_it_beats_popularity_on_a_seeded_stream(kind: Kind) -> None:
    """A step goes to one of two products by 0.9; the 20 most popular of 200 have a tenth."""
    train, test = ring_walk(1, 1_500), ring_walk(2, 200)
    model = kind.make(1 << 14)
    learn(model, train)
    named = [product_id for walk in train for product_id in walk]
    popular = sorted(set(named), key=named.count, reverse=True)[:20]
    cases = [(walk[:n][::-1], walk[n]) for walk in test for n in range(1, SESSION)]

    hits = sum(target in [one.product_id for one in kind.asking(model)(seen)]
               for seen, target in cases)  # fmt: skip
    baseline = sum(target in popular for _, target in cases)

    assert hits > 0.8 * len(cases)
    assert hits > 3 * baseline


def test_it_learns_to_rank_what_a_session_does_not_turn_to_again() -> None:
    """On the ring nobody turns back at once: the ranker learns so, and tops its own prior."""
    walks = ring_walk(1, 3_000)
    taught, untaught = NextProduct(1 << 14), NextProduct(1 << 14)
    for session, product_id in as_steps(walks):
        taught.learn_one(session, product_id)
        untaught.index_one(session, product_id)
    cases = [(walk[:3][::-1], walk[3]) for walk in ring_walk(2, 300)]

    def first(model: NextProduct) -> int:
        return sum(model.next_best(seen)[0].product_id == target for seen, target in cases)

    assert np.isfinite(taught.ranker.mean_linear).all()
    assert first(taught) > first(untaught)

"""The index against the plainest one: lists of the last events, looked through from end to end."""

from collections import Counter, deque
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.generators import BACKWARD, FORWARD, NEXT, OWN, SEQUENCE
from online_models.kernels import gather_seen
from online_models.next_product import NextProduct
from online_models.session_index import (
    AFTER,
    BEFORE,
    COUNT,
    HEAD,
    IS_REPEAT,
    ITEM,
    MAX_SESSION_EVENTS,
    NONE,
    REPEATS,
    SAME,
    STEPS,
    age_of,
    empty_index,
)
from online_models.steps import Steps

Told = list[tuple[int, str]]

walks = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", "c", "d", "e"])), max_size=120
)


def indexed(told: Told, capacity: int) -> Steps:
    steps = Steps(capacity)
    for session, product_id in told:
        steps.add(session, product_id)
    return steps


def newest_first(steps: Steps, product_id: str) -> list[int]:
    """Return how many events ago each event of a product was, by walking along its postings."""
    item = steps.slots.number(product_id)
    if item is None:
        return []
    index, ages = steps.index, list[int]()
    event = int(index.products[item, HEAD])
    while event != NONE and age_of(index, event) > (ages[-1] if ages else 0):
        if index.events[event, ITEM] != item:
            break
        ages.append(age_of(index, event))
        event = int(index.events[event, SAME])
    return ages


def pairs(steps: Steps) -> list[tuple[str, str]]:
    """Return all steps from one event to the next of a session that are still in the ring."""
    index, names, found = steps.index, steps.slots.names, []
    for back in range(min(len(steps), steps.capacity), 0, -1):
        event = (len(steps) - back) & (steps.capacity - 1)
        after = index.events[event, AFTER]
        if after != NONE:
            found.append((names[index.events[event, ITEM]], names[index.events[after, ITEM]]))
    return found


@settings(max_examples=300, deadline=None)
@given(told=walks, capacity=st.sampled_from([8, 16, 64]))
def test_what_is_overwritten_takes_its_counts_with_it(told: Told, capacity: int) -> None:
    steps = indexed(told, capacity)

    last = told[-capacity:]
    counts = Counter(product_id for _, product_id in last)
    assert {name: steps.n_seen(name) for name in "abcde"} == {
        name: counts[name] for name in "abcde"
    }
    assert set(steps.slots.names) - {""} == set(counts)
    for name in "abcde":
        told_ages = [age for age, (_, one) in enumerate(reversed(last), start=1) if one == name]
        assert newest_first(steps, name) == told_ages
    # A step belongs to the event that it starts from: both are in the ring, as the later one is.
    leaving = Counter(first for first, _ in pairs(steps))
    for name, item in [(name, steps.slots.number(name)) for name in counts]:
        assert item is not None
        assert steps.index.products[item, STEPS] == leaving[name]


@settings(max_examples=300, deadline=None)
@given(told=walks)
def test_steps_are_those_of_each_session_however_sessions_are_interleaved(told: Told) -> None:
    steps = indexed(told, 128)

    by_session: dict[int, list[str]] = {}
    for session, product_id in told:
        by_session.setdefault(session, []).append(product_id)
    apart = indexed([(s, p) for s, walk in by_session.items() for p in walk], 128)
    assert sorted(pairs(steps)) == sorted(
        (walk[n], walk[n + 1]) for walk in by_session.values() for n in range(len(walk) - 1)
    )
    for name in {product_id for _, product_id in told}:
        first, second = steps.slots.number(name), apart.slots.number(name)
        columns = [COUNT, STEPS, REPEATS]
        mine, theirs = steps.index.products[first, columns], apart.index.products[second, columns]
        assert mine.tolist() == theirs.tolist()


@settings(max_examples=200, deadline=None)
@given(told=walks, capacity=st.sampled_from([8, 16, 64]))
def test_repeats_are_counted_with_the_product_they_came_after(told: Told, capacity: int) -> None:
    steps = indexed(told, capacity)

    events, expected = steps.index.events, Counter[int]()
    n_repeats = 0
    for back in range(min(len(steps), capacity), 0, -1):
        event = (len(steps) - back) & (capacity - 1)
        n_repeats += int(events[event, IS_REPEAT])
        after = events[event, AFTER]
        if after != NONE:
            expected[int(events[event, ITEM])] += int(events[after, IS_REPEAT])
    for item in range(len(steps.slots.names)):
        assert steps.index.products[item, REPEATS] == expected[item]
    if len(told) <= capacity:
        within = len(told) - len(set(told))  # sessions here are shorter than is looked back
        assert n_repeats == within or max(Counter(s for s, _ in told).values()) > 30


@settings(max_examples=60, deadline=None)
@given(told=walks, seen=st.lists(st.sampled_from("abcde"), min_size=1, max_size=6))
def test_interleaved_sessions_give_the_evidence_of_sessions_one_after_the_other(
    told: Told, seen: list[str]
) -> None:
    """Scores differ by age alone, and an untaught ranker does not look at it."""
    order = sorted(told, key=lambda one: one[0])
    first, second = NextProduct(128), NextProduct(128)
    for model, steps in ((first, told), (second, order)):
        model.steps.set_names(list("abcde"))
        for session, product_id in steps:
            model.index_one(session, product_id)

    mine = {one.product_id: one.score for one in first.next_best(seen)}
    theirs = {one.product_id: one.score for one in second.next_best(seen)}
    assert mine == pytest.approx(theirs, rel=1e-4)


@settings(max_examples=100, deadline=None)
@given(told=walks, own=st.lists(st.sampled_from("abcde"), min_size=1, max_size=6))
def test_the_own_session_adds_nothing_to_what_follows_from_it(told: Told, own: list[str]) -> None:
    alone, among = NextProduct(256), NextProduct(256)
    for model in (alone, among):
        model.steps.set_names(list("abcde"))
        for session, product_id in told:
            model.index_one(session, product_id)
    for product_id in own:
        among.index_one(99, product_id)

    assert evidence(among, own[::-1], session=99) == evidence(alone, own[::-1], session=None)


def evidence(model: NextProduct, seen: list[str], session: int | None) -> dict[str, list[float]]:
    """Return what each candidate has for it that does not depend on how popular products are."""
    steps = model.steps
    own = steps.first_event(session)
    n = gather_seen(steps.index, steps.evidence, steps.visit, steps.rows_of(seen), own)
    rows = steps.evidence.rows[:n, [NEXT, FORWARD, BACKWARD, SEQUENCE, OWN]].tolist()
    return dict(zip((steps.slots.names[c] for c in steps.evidence.items[:n]), rows, strict=True))


def test_a_capacity_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        empty_index(100, 8)


def test_of_one_session_only_the_first_events_count() -> None:
    """So a session that never ends moves the evidence of a pair by half of them at most."""
    steps = Steps(1_024)
    for number in range(1_000):
        steps.add(1, "ab"[number % 2])
    steps.add(2, "c")

    assert len(steps) == MAX_SESSION_EVENTS + 1
    assert steps.n_seen("a") == steps.n_seen("b") == MAX_SESSION_EVENTS // 2


def test_a_session_that_outlives_the_ring_goes_on_as_a_new_one() -> None:
    steps = Steps(16)
    steps.add(1, "a")
    for number in range(16):
        steps.add(100 + number, "x")
    steps.add(1, "b")
    steps.add(1, "c")

    assert ("a", "b") not in pairs(steps)
    assert ("b", "c") in pairs(steps)


def test_rows_are_used_again_for_products_that_come_when_others_have_gone() -> None:
    rng, steps, last = Random(1), Steps(64), deque[str](maxlen=64)
    for number in range(5_000):
        product_id = f"p{number // 40 + rng.randrange(30)}"
        steps.add(number // 4, product_id)
        last.append(product_id)

    assert len(steps.slots) == len(set(last))
    assert len(steps.slots.names) <= 65
    events = steps.index.events
    assert Counter(steps.slots.names[item] for item in events[:, ITEM]) == Counter(last)
    assert all(events[event, BEFORE] < 64 for event in range(64))

"""Impressions count until the visitor turns to the product, whichever is told first."""

from copy import deepcopy
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from online_models.bounded import remember
from online_models.shown import ignored, join_shown, note_shown, note_turned_to
from online_models.users import MAX_SHOWN, Dated, Shown

Told = tuple[str, int, str]  # shown, clicked or viewed; when; which product


def after(events: list[Told]) -> tuple[list[Shown], list[Dated]]:
    shown: list[Shown] = []
    viewed: list[Dated] = []
    for kind, at, product in events:
        if kind == "shown":
            note_shown(shown, [product], at, viewed)
        else:
            if kind == "viewed":
                remember(viewed, at, product, most=20)
            note_turned_to(shown, product, at, viewed)
    return shown, viewed


def test_product_shown_three_times_and_passed_over_is_ignored_for_a_while() -> None:
    shown, _ = after([("shown", 1, "hat"), ("shown", 2, "hat"), ("shown", 3, "hat")])
    assert ignored(shown, n_times=3, since=0) == {"hat"}
    assert ignored(shown, n_times=4, since=0) == set()
    assert ignored(shown, n_times=3, since=3) == set()


def test_a_click_and_a_view_each_begin_the_count_anew() -> None:
    for kind in ("clicked", "viewed"):
        shown, _ = after([("shown", 1, "hat"), (kind, 2, "hat"), ("shown", 3, "hat")])
        assert ignored(shown, n_times=1, since=0) == {"hat"}
        assert ignored(shown, n_times=2, since=0) == set()


def test_only_the_latest_products_are_remembered() -> None:
    shown, _ = after([("shown", at, f"p{at}") for at in range(MAX_SHOWN + 5)])
    assert len(shown) == MAX_SHOWN
    assert shown[0].product_id == f"p{MAX_SHOWN + 4}"


STORIES = st.lists(
    st.tuples(
        st.sampled_from(["shown", "clicked", "viewed"]), st.integers(0, 9), st.sampled_from("ab")
    ),
    max_size=5,
)


@given(STORIES)
def test_what_is_remembered_does_not_depend_on_the_order_of_events(events: list[Told]) -> None:
    expected = after(sorted(events))
    assert all(after(list(other)) == expected for other in permutations(events))


@given(STORIES, STORIES)
def test_two_histories_join_to_what_one_would_be(first: list[Told], second: list[Told]) -> None:
    (shown, viewed), (more, also_viewed) = after(first), after(second)
    other = deepcopy(more)
    for at, name in also_viewed:
        remember(viewed, at, name, most=20)
    join_shown(shown, more, viewed)
    assert (shown, viewed) == after(first + second)
    assert more == other

from hypothesis import given
from hypothesis import strategies as st

from online_models.bounded import remember, take_latest


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abcdefgh"))))
def test_a_recent_list_is_the_same_in_any_order_even_when_it_is_cut(
    visits: list[tuple[int, str]],
) -> None:
    def listed(visits: list[tuple[int, str]]) -> list[tuple[int, str]]:
        recent: list[tuple[int, str]] = []
        for at, name in visits:
            remember(recent, at, name, most=3)
        return recent

    assert listed(visits) == listed(sorted(visits)) == listed(sorted(visits, reverse=True))


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", 1, True]))))
def test_the_latest_value_wins_in_any_order(values: list[tuple[int, object]]) -> None:
    def taken(values: list[tuple[int, object]]) -> object:
        found: dict[str, tuple[int, object]] = {}
        for at, value in values:
            take_latest(found, "tier", at, value, most=5)
        return repr(found)

    assert taken(values) == taken(values[::-1])


def test_no_more_values_are_kept_than_allowed() -> None:
    found: dict[str, tuple[int, object]] = {}
    for number in range(9):
        take_latest(found, f"trait-{number}", number, number, most=4)

    assert len(found) == 4

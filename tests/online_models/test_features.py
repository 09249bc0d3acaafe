import re
from math import isfinite
from pathlib import Path

from online_models.features import FEATURES, feature_names, feature_vector, picture
from online_models.users import UserState
from tests.builders import DAY, NOON

README = Path(__file__).parents[2] / "online_models" / "README.md"


def an_empty_state() -> UserState:
    return UserState(latest_at=NOON, first_at=NOON, received_at=NOON)


def test_the_table_in_the_readme_names_every_feature_in_order() -> None:
    table, _, _ = README.read_text().partition("\n\nAffinities")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|$", table, flags=re.MULTILINE)

    assert rows == [(feature.name, feature.meaning) for feature in FEATURES]


def test_names_are_unique_and_as_many_as_values() -> None:
    names = feature_names()

    assert len(set(names)) == len(names) == len(feature_vector(an_empty_state(), NOON))


def test_all_values_are_finite_however_odd_the_state() -> None:
    state = an_empty_state()
    state.revenue.total, state.revenue.hour = 1e300, float("inf")
    state.views.day = float("nan")

    assert all(isfinite(value) for value in feature_vector(state, NOON + 10_000 * DAY))
    assert all(isfinite(value) for value in feature_vector(state, 0))


def test_reading_does_not_change_the_state() -> None:
    state, same = an_empty_state(), an_empty_state()
    feature_vector(state, NOON)
    picture(state, NOON)

    assert state == same

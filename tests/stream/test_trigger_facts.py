"""What conditions of triggers are told of a customer who is not there."""

import pytest

from config.conditions import compile_for_customers, needed_fields
from online_models.users import UserState
from stream.trigger_facts import Customer

NOW = 1_714_557_600_000


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("user.categories.exists(c, c == 'hiking')", True),
        ("user.categories.exists(c, c == 'camping')", False),
        ("user.categories.size() == 2 && user.brands.size() == 0", True),
        ("has(user.categories.hiking) && user.categories.size() > 1", True),
        ("user.traits.all(t, t == 'tier')", True),
    ],
)
def test_a_condition_may_ask_a_map_as_a_whole(when: str, holds: bool) -> None:
    state = UserState(
        latest_at=NOW,
        first_at=NOW,
        received_at=NOW,
        categories={"hiking": 2.0, "climbing": 1.0},
        traits={"tier": (NOW, "gold")},
    )
    test = compile_for_customers(when)
    assert Customer(state, NOW, 1_000, needed_fields([test])).holds(test) is holds

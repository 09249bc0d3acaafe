"""What conditions of triggers are told of a customer who is not there."""

import pytest

from config.conditions import InvalidCondition, compile_for_customers, needed_fields
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


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("user.n_events == 3 && user.n_orders == 0", True),
        ("has(user.n_events) && user.n_events > 3", False),
        ("user['n_events'] == 3 && user.n_events == 3", True),
        ("'user.n_events' == user.favourite_category", False),
        ("user.traits.tier == 'gold' && cart.value < 1.0 && session.n_views == 0", True),
        ("cart.products.size() == 0 && user.categories.hiking > 0.5", True),
        ("[2, 3].exists(n, n == user.n_events)", True),
        ("session.number > 1 || user.traits.unknown == 'x'", False),
    ],
)
def test_a_condition_may_ask_fields_one_by_one(when: str, holds: bool) -> None:
    state = UserState(
        latest_at=NOW,
        first_at=NOW,
        received_at=NOW,
        n_events=3,
        categories={"hiking": 2.0, "climbing": 1.0},
        traits={"tier": (NOW, "gold")},
    )
    test = compile_for_customers(when)
    assert Customer(state, NOW, 1_000, needed_fields([test])).holds(test) is holds


def test_a_condition_gives_no_name_that_a_field_has() -> None:
    with pytest.raises(InvalidCondition, match="'user_n_events' is a name of ours"):
        compile_for_customers("[1].exists(user_n_events, user_n_events == user.n_events)")

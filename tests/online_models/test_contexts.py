from math import isfinite

import pytest

from online_models.contexts import (
    CONTEXT_NAMES,
    MAX_SHOP_FACTS,
    N_CONTEXT,
    NOTHING_TOLD,
    RequestFacts,
    context_vector,
)
from online_models.users import UserState
from tests.builders import DAY, MINUTE, NOON


def a_state() -> UserState:
    return UserState(latest_at=NOON, first_at=NOON - DAY, received_at=NOON, user_id="ann")


def named(vector: list[float]) -> dict[str, float]:
    return dict(zip(CONTEXT_NAMES, vector, strict=True))


def test_names_are_unique_and_as_many_as_values() -> None:
    assert len(set(CONTEXT_NAMES)) == len(CONTEXT_NAMES) == N_CONTEXT
    assert len(context_vector(a_state(), NOON)) == len(context_vector(None, NOON)) == N_CONTEXT


def test_of_a_visitor_nobody_knows_only_the_request_is_told() -> None:
    told = {name for name, value in named(context_vector(None, NOON)).items() if value}
    assert told == {"nobody"}


def test_the_favourite_category_meets_that_of_the_page() -> None:
    state = a_state()
    state.categories = {"hiking": 3.0, "camping": 1.0}

    on_hiking = named(context_vector(state, NOON, RequestFacts(page_category="hiking")))
    on_camping = named(context_vector(state, NOON, RequestFacts(page_category="camping")))

    assert on_hiking["page_of_favourite"] == 1.0
    assert on_camping["page_of_favourite"] == 0.0
    assert on_hiking["category_focus"] == 0.75


def test_midnight_is_near_eleven_at_night() -> None:
    def place(hour: float) -> tuple[float, float]:
        told = named(context_vector(None, NOON, RequestFacts(hour=hour)))
        return told["hour_sin"], told["hour_cos"]

    assert place(0.0) == pytest.approx(place(24.0))
    assert sum((a - b) ** 2 for a, b in zip(place(23.0), place(0.0), strict=True)) < 0.1


def test_what_the_shop_passes_has_a_bounded_number_of_places_and_odd_values_do_no_harm() -> None:
    odd = RequestFacts(
        device="\ud800",
        hour=float("inf"),
        cart_value=float("nan"),
        n_cart_lines=-3,
        page_category="ß" * 10_000,
        shop={
            "weather": "rain", "tier": "gold", "vip": True, "degrees": -1e300, "odd": float("nan"),
            "list": [1], "none": None, **{f"n{number}": 1e12 for number in range(100)},
        },
    )  # fmt: skip
    vector = context_vector(a_state(), NOON, odd)

    assert len(vector) == N_CONTEXT
    assert all(isfinite(value) and abs(value) <= 8 for value in vector)
    assert MAX_SHOP_FACTS < 100


def test_weather_makes_a_difference() -> None:
    rain = context_vector(None, NOON, RequestFacts(shop={"weather": "rain"}))
    sun = context_vector(None, NOON, RequestFacts(shop={"weather": "sun"}))
    assert rain != sun


def test_all_values_are_finite_however_odd_the_state() -> None:
    state = a_state()
    state.revenue.total, state.revenue.month = 1e300, float("inf")
    state.views.day = float("nan")
    for now in (0, NOON - 9 * DAY, NOON + 10_000 * DAY):
        assert all(isfinite(value) for value in context_vector(state, now, NOTHING_TOLD))
        assert all(abs(value) <= 8 for value in context_vector(state, now, NOTHING_TOLD))


def test_reading_does_not_change_the_state_and_follows_the_time() -> None:
    state, same = a_state(), a_state()
    first = named(context_vector(state, NOON))
    later = named(context_vector(state, NOON + 90 * MINUTE))

    assert state == same
    assert later["seen_recency_hour"] < first["seen_recency_hour"] == 1.0

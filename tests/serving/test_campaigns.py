"""Which campaigns may be shown to whom, and what is said of the others."""

from typing import Any

import pytest

from config.durations import DAY_MS
from online_models.decay import Counter
from online_models.users import Contact, Order, Session, UserState
from serving.assigning import Assigned
from serving.choices import Fallback
from serving.schemas import Options, Page
from tests.serving.builders import NOW
from tests.serving.deciding import (
    a_request,
    a_user,
    decided,
    in_cart,
    objections_to,
    promotion_of,
)

MINUTE = 60_000

TIER = "has(user.traits.tier) && user.traits.tier == 'gold'"
STUCK = "session.stage >= 2 && session.stage_minutes > 4.0"
LAPSED = "session.days_away > 29.0"
MONTH_AGO = NOW - 30 * DAY_MS


def a_campaign(name: str, more: str = "", placement: str = "hero") -> str:
    """Return the text of a campaign whose headline is its name."""
    return (
        f'[campaigns.{name}]\nplacements = ["{placement}"]\nchoose = "first"\n{more}\n'
        f'variations.a.headline = "{name}"\n'
    )


def shown(campaigns: str, user: UserState | None = None, **changes: Any) -> str:
    """Return the headline of the banner that is shown."""
    request = a_request("hero", **changes.pop("request", {}))
    content = promotion_of(decided(request, user, campaigns=campaigns, **changes)).content
    assert content is not None
    return content.headline


def a_visit(**changes: Any) -> Session:
    return Session(**({"start_at": NOW - MINUTE, "end_at": NOW, "received_at": NOW} | changes))


@pytest.mark.parametrize(
    ("when", "user", "request_fields"),
    [
        ("user.n_orders >= 2", a_user(orders=Counter(total=2)), {}),
        (TIER, a_user(traits={"tier": (1, "gold")}), {}),
        ("user.favourite_category == 'hiking'", a_user(categories={"hiking": 2.0, "a": 1.0}), {}),
        ("user.days_since_order > 60.0", a_user(order_history=[Order(1, "o", 9)]), {}),
        ("user.discounted_share == 1.0", a_user(order_history=[Order(1, "o", 9.0, True)]), {}),
        ("session.number == 3", a_user(sessions=Counter(total=2)), {}),
        ("session.n_views > 1", a_user(open_sessions=[a_visit(n_views=2)]), {}),
        (STUCK, a_user(open_sessions=[a_visit(stage=(NOW - 5 * MINUTE, 3))]), {}),
        (LAPSED, a_user(left_at=MONTH_AGO, open_sessions=[a_visit()]), {}),
        (LAPSED, a_user(latest_at=MONTH_AGO), {}),
        (LAPSED, a_user(open_sessions=[a_visit(start_at=1, end_at=MONTH_AGO), a_visit()]), {}),
        ("cart.value > 15.0", a_user(cart=in_cart("a", "b")), {}),
        ("page.type == 'cart'", None, {"page": Page(type="cart")}),
        ("context.weather == 'rain'", None, {"context": {"weather": "rain"}}),
        ("context.device == 'mobile'", None, {"context": {"device": {"type": "mobile"}}}),
        ("context.city == 'Graz'", a_user(context={"city": (1, "Graz")}), {}),
        ("context.trigger == 'idle'", None, {"context": {"trigger": "idle"}}),
        ("context.temperature < 5", None, {"context": {"temperature": 3}}),
    ],
)  # fmt: skip
def test_a_campaign_is_shown_where_its_condition_holds_and_only_there(
    when: str, user: UserState | None, request_fields: dict[str, Any]
) -> None:
    campaigns = a_campaign("x", f'when = "{when}"')
    assert shown(campaigns, user, request=request_fields) == "x"
    nobody_special = a_user(viewed=[], open_sessions=[a_visit(start_at=NOW)])
    assert shown(campaigns, nobody_special) == "Hello"


def test_a_first_visit_is_known_as_one_only_where_somebody_looked() -> None:
    campaigns = a_campaign("x", 'when = "session.number == 1"')
    assert shown(campaigns, None) == "x"
    assert shown(campaigns, a_user(open_sessions=[a_visit()])) == "x"
    assert shown(campaigns, a_user(sessions=Counter(total=1))) == "Hello"
    assert shown(campaigns, None, missing=Fallback.REDIS_SLOW) == "Hello"


def test_a_visit_that_ended_long_ago_is_not_the_one_that_goes_on() -> None:
    campaigns = a_campaign("x", 'when = "session.n_views > 0"')
    over = a_visit(n_views=1, end_at=NOW - 31 * MINUTE)
    assert shown(campaigns, a_user(open_sessions=[over])) == "Hello"


def test_a_condition_that_cannot_be_evaluated_does_not_hold_and_is_counted() -> None:
    failed: list[str] = []
    campaigns = a_campaign("x", "when = \"user.traits.tier == 'gold'\"")
    assert shown(campaigns, a_user(), failed=failed.append) == "Hello"
    assert failed == ["hero"]


SEGMENTS = (
    '[segments.gold]\nwhen = "has(user.traits.tier)"\n[segments.big]\nwhen = "cart.value > 99.0"\n'
)


def test_a_campaign_is_for_those_in_one_of_its_segments() -> None:
    campaigns = SEGMENTS + a_campaign("x", 'segments = ["gold", "big"]')
    assert shown(campaigns, a_user(traits={"tier": (1, "gold")})) == "x"
    assert shown(campaigns, a_user()) == "Hello"


def test_a_campaign_is_on_as_its_schedule_says() -> None:
    campaigns = a_campaign("x", "starts = 2026-12-01\nends = 2026-12-02")
    day = 1_796_083_200_000  # 2026-12-01
    assert shown(campaigns, now=day - 1) == "Hello"
    assert shown(campaigns, now=day) == "x"
    assert shown(campaigns, now=day + 2 * DAY_MS) == "Hello"


def times(*days_ago: float, channel: str = "web") -> list[tuple[int, str]]:
    return [(NOW - round(days * DAY_MS), channel) for days in days_ago]


@pytest.mark.parametrize(
    ("contact", "is_shown"),
    [
        (Contact("x", times(1, 2)), True),
        (Contact("x", times(1, 2, 3)), False),
        (Contact("x", times(1, 2, 8)), True),
        (Contact("x", times(1, 2, 3, channel="app")), True),
        (Contact("y", times(1, 2, 3)), True),
    ],
)
def test_a_cap_counts_impressions_of_its_window_and_channel(
    contact: Contact, is_shown: bool
) -> None:
    campaigns = a_campaign("x", 'caps = [{ times = 3, days = 7, channel = "web" }]')
    assert (shown(campaigns, a_user(contacts=[contact])) == "x") is is_shown


def test_a_cap_without_a_channel_counts_them_all() -> None:
    campaigns = a_campaign("x", "caps = [{ times = 2, days = 1 }]")
    contact = Contact("x", [*times(0.1), *times(0.2, channel="app")])
    assert shown(campaigns, a_user(contacts=[contact])) == "Hello"


def test_after_a_dismissal_a_campaign_keeps_silent_for_a_while() -> None:
    campaigns = a_campaign("x", "cooldown_days = 2")
    for days, headline in ((1, "Hello"), (2, "x")):
        contact = Contact("x", dismissed_at=NOW - days * DAY_MS)
        assert shown(campaigns, a_user(contacts=[contact])) == headline


def test_a_campaign_that_led_to_an_order_may_stop_for_good() -> None:
    user = a_user(contacts=[Contact("x", converted_at=1)])
    assert shown(a_campaign("x", "stop_after_order = true"), user) == "Hello"
    assert shown(a_campaign("x"), user) == "x"


@pytest.mark.parametrize("missing", [Fallback.REDIS_SLOW, Fallback.NO_ID, Fallback.CONSENT_REFUSED])
@pytest.mark.parametrize(
    "more", ["caps = [{ times = 1, days = 1 }]", "cooldown_days = 1", "stop_after_order = true"]
)
def test_where_nobody_could_look_what_depends_on_it_is_not_shown(
    more: str, missing: Fallback
) -> None:
    decision = decided(a_request("hero"), campaigns=a_campaign("x", more), missing=missing)
    assert objections_to(decision, "x") == ["unseen"]
    assert promotion_of(decision).fallback is missing


def test_of_a_stranger_it_is_known_that_nothing_was_shown() -> None:
    assert shown(a_campaign("x", "caps = [{ times = 1, days = 1 }]"), None) == "x"


def test_the_highest_priority_wins_and_what_is_below_is_not_even_looked_at() -> None:
    campaigns = a_campaign("low") + a_campaign("high", "priority = 5") + a_campaign("same")
    decision = decided(a_request("hero"), campaigns=campaigns)
    considered = promotion_of(decision).considered
    assert considered is not None
    assert promotion_of(decision).campaign == "high"
    assert [name for name, _ in considered.candidates] == ["high"]
    assert considered.untold == 2


def test_an_answer_has_at_most_one_overlay() -> None:
    campaigns = (
        a_campaign("one", "overlay = true")
        + a_campaign("two", "overlay = true", "exit")
        + a_campaign("three", "priority = -1", "exit")
    )
    chosen = decided(a_request("hero", "exit"), a_user(), campaigns=campaigns)
    assert promotion_of(chosen, "hero").overlay
    assert promotion_of(chosen, "exit").campaign == "three"
    assert objections_to(chosen, "two", "exit") == ["overlay"]
    alone = decided(a_request("exit"), a_user(), campaigns=campaigns)
    assert promotion_of(alone, "exit").campaign == "two"


def test_an_experiment_keeps_a_campaign_from_a_visitor_and_conditions_read_its_variation() -> None:
    campaigns = a_campaign("x", "when = \"experiment.hero == 'red'\"")
    red = Assigned(seen={"hero": "red"})
    assert shown(campaigns, assigned=red) == "x"
    assert shown(campaigns, assigned=Assigned(seen={"hero": "blue"})) == "Hello"
    barred = Assigned(seen={"hero": "red"}, barred=frozenset({"x"}))
    decision = decided(a_request("hero"), campaigns=campaigns, assigned=barred)
    assert objections_to(decision, "x") == ["experiment"]


def test_all_that_stands_against_a_campaign_is_told_where_it_is_explained() -> None:
    more = (
        'when = "user.n_orders > 0"\nsegments = ["gold"]\nstarts = 2030-01-01\n'
        "caps = [{ times = 1, days = 1 }]\ncooldown_days = 1\nstop_after_order = true\n"
        "priority = -1"
    )
    contact = Contact("x", times(0.1), dismissed_at=NOW, converted_at=NOW)
    decision = decided(
        a_request("hero", options=Options(explain=True)),
        a_user(contacts=[contact]),
        campaigns=SEGMENTS + a_campaign("y") + a_campaign("x", more) + a_campaign("z"),
    )
    words = ["condition", "segment", "schedule", "cap", "cooldown", "converted"]
    assert objections_to(decision, "x") == words
    assert objections_to(decision, "y") == []
    assert objections_to(decision, "z") == ["order"]


def test_an_eligible_campaign_of_lower_priority_is_told_to_be_outranked() -> None:
    request = a_request("hero", options=Options(explain=True))
    campaigns = a_campaign("x", "priority = -1") + a_campaign("y")
    assert objections_to(decided(request, campaigns=campaigns), "x") == ["priority"]

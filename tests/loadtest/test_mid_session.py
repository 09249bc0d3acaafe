"""Stops of a replay lie in the middle of sessions, and lose and repeat nothing."""

from loadtest.mid_session import LOOK_AHEAD_MS, SESSION_GAP_MS, plan_stops
from tests.loadtest.builders import STEP_MS, a_dense_history

HISTORY = a_dense_history(20_000)


def test_there_are_as_many_views_as_were_asked_for() -> None:
    stops = plan_stops(HISTORY, 100, seed=1)
    assert sum(len(stop.views) for stop in stops) == 100


def test_each_view_follows_one_of_the_same_user_and_comes_soon() -> None:
    viewed_at: dict[str, int] = {}
    for stop in plan_stops(HISTORY, 100, seed=1):
        for timed in stop.before:
            if timed.event["event"] == "Product Viewed":
                viewed_at[timed.event["userId"]] = timed.at_ms
        for view in stop.views:
            assert view.event["event"] == "Product Viewed"
            assert view.at_ms - viewed_at[view.event["userId"]] <= SESSION_GAP_MS
            assert view.at_ms - stop.before[-1].at_ms <= LOOK_AHEAD_MS + STEP_MS
        viewed_at |= {view.event["userId"]: view.at_ms for view in stop.views}


def test_every_event_up_to_the_last_stop_is_sent_once_and_each_users_in_order() -> None:
    stops = plan_stops(HISTORY, 100, seed=1)
    sent = [timed for stop in stops for timed in (*stop.before, *stop.views)]
    lines = [timed.line for timed in sent]
    n_before = HISTORY.index(stops[-1].before[-1]) + 1
    assert len(set(lines)) == len(lines)
    assert {timed.line for timed in HISTORY[:n_before]} <= set(lines)
    by_user: dict[str, int] = {}
    for timed in sent:
        user = timed.event["userId"]
        assert by_user.get(user, -1) <= timed.at_ms
        by_user[user] = timed.at_ms


def test_the_same_seed_gives_the_same_stops() -> None:
    assert plan_stops(HISTORY, 50, seed=2) == plan_stops(HISTORY, 50, seed=2)
    assert plan_stops(HISTORY, 50, seed=2) != plan_stops(HISTORY, 50, seed=3)


def test_where_nobody_is_in_a_session_nobody_is_asked() -> None:
    alone = [timed._replace(at_ms=place * 10**7) for place, timed in enumerate(HISTORY[:200])]
    assert all(stop.views == [] for stop in plan_stops(alone, 20, seed=1))

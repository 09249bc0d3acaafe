from itertools import permutations

import pytest

from config.events import Tick
from online_models.users import UserState
from stream.batch import Batch, Rules
from stream.journal import apply
from stream.timers import Timers
from tests.builders import HOUR, IDS, MINUTE, NOON, an_event, logged

GAP = 30 * MINUTE
ANN = IDS.known("ann").digest


def a_batch() -> Batch:
    return Batch(IDS, Rules(session_gap_ms=GAP), {}, Timers(), 0, {}, load=lambda _: None)


def ann(batch: Batch) -> UserState:
    state = batch.user(ANN)
    assert isinstance(state, UserState)
    return state


@pytest.mark.parametrize("order", list(permutations([0, 25, 50, 200])))
def test_events_no_further_apart_than_the_gap_are_one_session_in_any_order(
    order: tuple[int, ...],
) -> None:
    batch = a_batch()
    for minutes in order:
        apply(batch, logged(an_event(at=NOON + minutes * MINUTE, received_at=NOON + 4 * HOUR)))

    sessions = [(s.start_at, s.end_at, s.n_views) for s in ann(batch).open_sessions]

    assert sessions == [
        (NOON, NOON + 50 * MINUTE, 3),
        (NOON + 200 * MINUTE, NOON + 200 * MINUTE, 1),
    ]


def test_a_session_is_over_once_a_gap_has_passed_since_its_last_event_came_in() -> None:
    batch = a_batch()
    apply(batch, logged(an_event(at=NOON)))
    apply(batch, logged(Tick(NOON + GAP)))
    assert ann(batch).sessions.total == 0

    apply(batch, logged(Tick(NOON + GAP + 1)))

    assert (ann(batch).sessions.total, ann(batch).open_sessions) == (1, [])
    assert batch.results["session", "finished"] == 1


def test_a_session_that_goes_on_is_put_off() -> None:
    batch = a_batch()
    for minutes in (0, 20, 40, 60):
        apply(batch, logged(an_event(at=NOON + minutes * MINUTE)))

    assert len(ann(batch).open_sessions) == 1
    assert batch.timers.earliest() == NOON + 60 * MINUTE + GAP + 1


def test_timers_fire_before_the_entry_that_moved_the_clock() -> None:
    batch = a_batch()
    apply(batch, logged(an_event(at=NOON)))

    apply(batch, logged(an_event(at=NOON + 2 * GAP)))

    assert ann(batch).sessions.total == 1
    assert [s.start_at for s in ann(batch).open_sessions] == [NOON + 2 * GAP]


def test_the_event_time_of_a_late_event_does_not_move_the_clock() -> None:
    batch = a_batch()
    apply(batch, logged(an_event(at=NOON)))

    apply(batch, logged(an_event(at=NOON - 3 * HOUR, received_at=NOON + MINUTE)))

    assert batch.clock == NOON + MINUTE
    assert ann(batch).sessions.total == 0
    assert batch.results["track", "applied_late"] == 1


def test_more_open_sessions_than_are_kept_finish_oldest_first() -> None:
    batch = a_batch()
    for hours in range(6):
        apply(batch, logged(an_event(at=NOON + hours * HOUR, received_at=NOON + 6 * HOUR)))

    assert ann(batch).sessions.total == 2
    assert len(ann(batch).open_sessions) == 4


def test_a_session_remembers_where_it_came_from() -> None:
    batch = a_batch()
    came = {
        "page": {"path": "/sale", "referrer": "https://search.example/"},
        "campaign": {"source": "mail", "name": "spring"},
        "device": {"type": "phone"},
    }
    apply(batch, logged(an_event(at=NOON, context=came)))
    later = {"page": {"path": "/checkout"}}
    apply(batch, logged(an_event("Checkout Started", at=NOON + 1, context=later)))

    (session,) = ann(batch).open_sessions

    assert (session.landing_page, session.campaign) == ((NOON, "/sale"), (NOON, "mail / spring"))
    assert session.referrer == (NOON, "https://search.example/")
    assert (session.device, session.stage) == ((NOON, "phone"), (NOON + 1, 2))

from zlib import crc32

from config.events import Event, Tick
from config.examples import Visited
from online_models.features import feature_names
from online_models.users import MAX_MOMENTS
from stream.batch import Batch
from stream.journal import apply
from stream.moments import ONE_OF
from tests.builders import HOUR, MINUTE, NOON, an_event, logged
from tests.stream.test_sessions import a_batch, ann

CHOSEN = [f"m-{n}" for n in range(9_000) if crc32(f"m-{n}".encode()) < (1 << 32) // ONE_OF]
OTHERS = [f"m-{n}" for n in range(9_000) if f"m-{n}" not in set(CHOSEN)]


def visits(*events: Event, batch: Batch | None = None) -> list[Visited]:
    """Return what is taught of these events once their sessions are over."""
    batch = batch or a_batch()
    for event in events:
        apply(batch, logged(event))
    apply(batch, logged(Tick(NOON + 9 * HOUR)))
    return [one for one in batch.outbox.examples if isinstance(one, Visited)]


def test_a_moment_is_taught_with_the_features_it_had_and_how_the_visit_went_on() -> None:
    (visit,) = visits(
        an_event(at=NOON, message_id=OTHERS[0]),
        an_event(at=NOON + MINUTE, message_id=CHOSEN[0]),
        an_event(at=NOON + 2 * MINUTE, message_id=OTHERS[1]),
        an_event("Order Completed", at=NOON + 3 * MINUTE, message_id=OTHERS[2]),
    )

    features = dict(zip(feature_names(), visit.features, strict=True))
    assert (features["session_views"], features["session_minutes"]) == (2.0, 1.0)
    assert (visit.occurred_at, visit.is_last, visit.is_ordered) == (NOON + MINUTE, False, True)


def test_the_last_moment_of_a_visit_is_where_the_visitor_left() -> None:
    order = an_event("Order Completed", at=NOON, message_id=OTHERS[0])
    last = an_event(at=NOON + MINUTE, message_id=CHOSEN[0])
    next_visit = an_event("Order Completed", at=NOON + 3 * HOUR, message_id=OTHERS[1])

    (visit,) = visits(order, last, next_visit)

    assert (visit.is_last, visit.is_ordered) == (True, False)


def test_of_a_long_visit_no_more_than_two_moments_are_kept() -> None:
    batch = a_batch()
    names = CHOSEN[:40]
    for number, name in enumerate(names):
        apply(batch, logged(an_event(at=NOON + number, message_id=name)))
    kept = ann(batch).open_sessions[0].moments

    lowest = sorted(crc32(name.encode()) for name in names)[:MAX_MOMENTS]
    assert [moment.mark for moment in kept] == lowest
    assert len(visits(batch=batch)) == MAX_MOMENTS


def test_about_one_event_in_thirty_two_is_a_moment() -> None:
    # 9,000 draws with p = 1/32: four standard deviations are 66.
    assert abs(len(CHOSEN) - 9_000 / ONE_OF) < 66


def test_what_is_late_is_no_moment() -> None:
    first = an_event(at=NOON + MINUTE, message_id=OTHERS[0])
    late = an_event(at=NOON, received_at=NOON + MINUTE, message_id=CHOSEN[0])

    assert visits(first, late) == []


def test_a_late_event_that_joins_two_visits_joins_their_moments() -> None:
    visit, other = visits(
        an_event(at=NOON, received_at=NOON + HOUR, message_id=CHOSEN[0]),
        an_event(at=NOON + 50 * MINUTE, received_at=NOON + HOUR, message_id=CHOSEN[1]),
        an_event(at=NOON + 25 * MINUTE, received_at=NOON + HOUR, message_id=OTHERS[0]),
    )

    assert {visit.is_last, other.is_last} == {False, True}

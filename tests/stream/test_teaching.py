from config.events import Event
from config.examples import Touched
from stream.journal import apply
from tests.builders import HOUR, MINUTE, NOON, an_event, logged
from tests.stream.test_sessions import a_batch


def taught(*events: Event) -> list[Touched]:
    batch = a_batch()
    for event in events:
        apply(batch, logged(event))
    return [example for example in batch.outbox.examples if isinstance(example, Touched)]


def test_a_view_teaches_what_was_viewed_before_it_latest_first() -> None:
    *_, last = taught(
        an_event(at=NOON, product_id="hat"),
        an_event(at=NOON + MINUTE, product_id="tent", category="camping"),
        an_event(at=NOON + 2 * MINUTE, product_id="boots", category="shoes"),
    )

    assert (last.product_id, last.category, last.before) == ("boots", "shoes", ("tent", "hat"))
    assert last.session_at == NOON


def test_what_was_viewed_in_another_session_is_no_step() -> None:
    *_, last = taught(
        an_event(at=NOON, product_id="hat"), an_event(at=NOON + HOUR, product_id="boots")
    )

    assert last.before == ()


def test_a_late_view_is_no_step_from_what_came_after_it() -> None:
    *_, late = taught(
        an_event(at=NOON + MINUTE, product_id="hat"),
        an_event(at=NOON, received_at=NOON + 2 * MINUTE, product_id="boots"),
    )

    assert late.before == ()


def test_carts_and_orders_teach_too_and_an_order_only_once() -> None:
    order = an_event("Order Completed", at=NOON + 1, order_id="o", products=[{"product_id": "hat"}])
    again = an_event("Order Completed", at=NOON + 2, order_id="o", products=[{"product_id": "hat"}])
    examples = taught(an_event("Product Added", at=NOON, product_id="hat"), order, again)

    assert [example.action for example in examples] == ["cart", "order"]


def test_an_event_sent_twice_teaches_once() -> None:
    view = an_event(message_id="once")

    assert len(taught(view, view)) == 1

from datetime import UTC, datetime

from online_models.purchases import due_again
from online_models.users import UserState
from shopkeeper.demo_customers import N_ORDERS, past_orders, past_visits
from stream.profiles import apply_event, new_state
from tests.builders import an_event

NOW = datetime(2026, 3, 20, 15, 30, tzinfo=UTC)
TEA = {"id": "tea", "category": "groceries", "price": 4.5, "name": "Tea"}


def test_what_a_regular_customer_ordered_is_due_again_when_the_demo_opens() -> None:
    state: UserState | None = None
    for order in past_orders("ann", [TEA], NOW):
        at = int(datetime.fromisoformat(order["timestamp"]).timestamp() * 1000)
        event = an_event("Order Completed", at=at, **order["properties"])
        state = state or new_state(at, at)
        apply_event(state, event, at, gap_ms=1)
    assert state is not None
    [due] = due_again(state, int(NOW.timestamp() * 1000))
    assert (due.product_id, due.n_bought) == ("tea", 2)
    assert state.orders.total == N_ORDERS


def test_a_restart_on_the_same_day_sends_the_same_orders() -> None:
    later = NOW.replace(hour=23)
    assert past_orders("ann", [TEA], NOW) == past_orders("ann", [TEA], later)


def test_a_bargainer_orders_with_coupons_alone_and_a_browser_orders_nothing() -> None:
    orders = past_orders("deniz", [TEA], NOW, "SPRING")
    assert {order["properties"]["coupon"] for order in orders} == {"SPRING"}
    visits = past_visits("chloe", [TEA] * N_ORDERS, NOW)
    assert {visit["event"] for visit in visits} == {"Product Viewed"}
    assert len({visit["timestamp"] for visit in visits}) == N_ORDERS

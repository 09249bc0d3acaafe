from config.durations import DAY_MS
from online_models.purchases import Due, due_again, note_purchase
from online_models.users import MAX_PURCHASES, Order, UserState

NOW = 1_700_000_000_000


def a_buyer(**days_ago: list[int]) -> UserState:
    """Return a user who bought products so many days ago; an order each day."""
    user = UserState(NOW, NOW, NOW)
    user.bought = sorted(((NOW - min(ds) * DAY_MS, name) for name, ds in days_ago.items()))[::-1]
    user.purchases = {
        name: sorted((NOW - day * DAY_MS for day in days), reverse=True)
        for name, days in days_ago.items()
    }
    days = sorted({day for listed in days_ago.values() for day in listed})
    user.order_history = [Order(NOW - day * DAY_MS, f"order-{day}", 9.0) for day in days]
    return user


def test_product_bought_regularly_is_due_after_its_own_interval() -> None:
    user = a_buyer(tea=[9, 19, 29])
    assert due_again(user, NOW) == [Due("tea", 0.9, 2)]
    assert due_again(user, NOW - 2 * DAY_MS) == []


def test_product_bought_once_is_due_when_the_next_order_is() -> None:
    user = a_buyer(soap=[12], tea=[2])
    assert [due.product_id for due in due_again(user, NOW)] == ["soap"]


def test_a_first_order_says_nothing_so_a_month_is_waited() -> None:
    assert due_again(a_buyer(tea=[23]), NOW) == []
    assert [due.product_id for due in due_again(a_buyer(tea=[25]), NOW)] == ["tea"]


def test_what_is_bought_regularly_comes_before_what_was_bought_once() -> None:
    user = a_buyer(lamp=[60], tea=[30, 62])
    assert [due.product_id for due in due_again(user, NOW)] == ["tea", "lamp"]


def test_an_order_told_twice_is_no_interval() -> None:
    user = a_buyer(tea=[25])
    user.purchases["tea"] = [NOW - 25 * DAY_MS + 3_000, NOW - 25 * DAY_MS]
    assert [(due.product_id, due.n_bought) for due in due_again(user, NOW)] == [("tea", 1)]


def test_times_and_products_stay_bounded() -> None:
    purchases: dict[str, list[int]] = {"gone": [1]}
    for at in range(MAX_PURCHASES + 3):
        note_purchase(purchases, [at], "tea", bought=[(at, "tea")])
    assert purchases == {"tea": list(range(MAX_PURCHASES + 2, 2, -1))}

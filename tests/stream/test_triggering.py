"""When triggers fire, are held, dropped or cancelled: one story each, on whole entries."""

import pytest

from config.events import ConsentRefused, Event, ProductsChanged, Tick
from config.product_changes import ProductChange
from config.trigger_checks import Around, read_triggers
from config.trigger_file import read_trigger_tables
from online_models.users import UserState
from stream.batch import Batch, Rules
from stream.journal import apply
from stream.product_triggers import matters
from stream.timers import Timers
from stream.trigger_rules import made_ready
from stream.watching import Changed
from tests.builders import DAY, HOUR, IDS, MINUTE, an_event, an_identify, logged
from tests.stream.simulation import Network

ANN = IDS.known("ann")
NIGHT = 1_700_002_800_000  # 2023-11-14 23:00 UTC
MORNING = NIGHT + 9 * HOUR
QUIET = '[quiet_hours]\nhours = ["22:00-08:00"]\n'
CART = """
[triggers.cart]
on = "absence"
after = ["Product Added"]
lasting = "30 minutes"
idle = true
unless = ["Order Completed"]
channel = "push"
consent = "none"
"""
VISITS = """
[triggers.visits]
on = "event"
event = "visit"
times = 2
within = "7 days"
unless = ["Order Completed"]
channel = "email"
consent = "none"
"""


def rules_of(text: str) -> Rules:
    around = Around({}, {"vip": "user.traits.vip == true"}, 180 * DAY)
    return Rules(triggers=made_ready(read_triggers(read_trigger_tables(text), around)))


class Shop:
    """Ann's shard; each entry is applied at once."""

    def __init__(self, text: str) -> None:
        self.batch = Batch(IDS, rules_of(text), {}, Timers(), 0, {}, load=lambda _: None)

    def take(self, *events: Event) -> None:
        for event in events:
            apply(self.batch, logged(event))

    def tick(self, at: int) -> None:
        apply(self.batch, logged(Tick(at), ""))

    def fired(self) -> list[tuple[str, int, int]]:
        return [(one.trigger, one.due_at, one.fired_at) for one in self.batch.outbox.fired]

    def results(self) -> dict[str, int]:
        return {str(r): n for (kind, r), n in self.batch.results.items() if kind == "trigger"}


NOON = NIGHT - 11 * HOUR


def added(at: int = NOON, **more: object) -> Event:
    return an_event("Product Added", at=at, quantity=1, price=20.0, **more)  # type: ignore[arg-type]


def test_a_cart_that_lies_idle_is_told_once_with_what_lies_in_it() -> None:
    shop = Shop(CART)
    shop.take(added(), added(NOON + MINUTE, product_id="socks"))
    shop.tick(NOON + 30 * MINUTE)
    assert not shop.fired()

    shop.tick(NOON + 31 * MINUTE)
    shop.tick(NOON + 9 * HOUR)
    (fired,) = shop.batch.outbox.fired
    assert (fired.due_at, fired.user_id, fired.shard) == (NOON + 31 * MINUTE, "ann", ANN.shard)
    assert fired.product_ids == ["socks", "boots"]
    assert fired.facts["cart_value"] == 40.0


def test_an_order_cancels_and_a_cart_filled_before_it_but_told_later_stays_cancelled() -> None:
    shop = Shop(CART)
    shop.take(added(), an_event("Order Completed", at=NOON + 2 * MINUTE, order_id="o"))
    shop.take(added(NOON + MINUTE, received_at=NOON + 3 * MINUTE))
    shop.tick(NOON + DAY)
    assert not shop.fired()


def test_quiet_hours_hold_until_they_are_over_and_whoever_comes_back_is_not_told() -> None:
    shop = Shop(QUIET + CART)
    shop.take(added(NIGHT))
    shop.tick(NIGHT + HOUR)
    assert (shop.fired(), shop.results()) == ([], {"held": 1})
    shop.take(an_event("Search", at=MORNING - 5 * MINUTE))
    shop.tick(MORNING + MINUTE)
    assert not shop.fired()
    shop.tick(MORNING + 25 * MINUTE)
    assert shop.fired() == [("cart", MORNING + 25 * MINUTE, MORNING + 25 * MINUTE)]


@pytest.mark.parametrize(
    ("zone", "is_told"), [("America/New_York", True), ("Europe/Berlin", False), ("No/where", False)]
)
def test_quiet_hours_are_those_of_the_customers_time_zone(zone: str, is_told: bool) -> None:
    shop = Shop(QUIET + CART)
    shop.take(added(NIGHT, context={"timezone": zone}))
    shop.tick(NIGHT + HOUR)
    assert bool(shop.fired()) is is_told


def test_what_is_held_may_be_skipped_instead() -> None:
    shop = Shop(QUIET + CART + 'quiet = "skip"\n')
    shop.take(added(NIGHT))
    shop.tick(NIGHT + DAY)
    assert (shop.fired(), shop.results()) == ([], {"quiet": 1})


@pytest.mark.parametrize(("late", "n_fired"), [("drop", 0), ("fire", 1)])
def test_after_days_of_downtime_the_rule_says_whether_it_is_told(late: str, n_fired: int) -> None:
    shop = Shop(CART + f'late = "{late}"\n')
    shop.take(added())
    shop.tick(NOON + 3 * DAY)
    assert len(shop.fired()) == n_fired
    assert shop.results() == ({"fired": 1} if n_fired else {"late": 1})
    if n_fired:
        (fired,) = shop.batch.outbox.fired
        assert (fired.due_at, fired.expires_at) == (NOON + 30 * MINUTE, NOON + 4 * DAY)


def test_a_cap_is_that_of_the_channel_over_all_its_triggers() -> None:
    shop = Shop(
        '[caps]\npush = [{ times = 1, within = "1 day" }]\n'
        + CART
        + '[triggers.seen]\non = "event"\nevent = "Product Viewed"\nchannel = "push"\n'
        + 'consent = "none"\n'
    )
    shop.take(an_event(at=NOON), added(NOON + MINUTE))
    shop.tick(NOON + HOUR)
    assert [name for name, *_ in shop.fired()] == ["seen"]
    assert shop.results() == {"fired": 1, "capped": 1}


def test_visits_count_within_their_window_and_begin_anew_after_an_order() -> None:
    shop = Shop(VISITS)
    shop.take(an_event(at=NOON), an_event("Order Completed", at=NOON + MINUTE, order_id="o"))
    shop.take(an_event(at=NOON + 2 * HOUR))
    assert not shop.fired()
    shop.take(an_event(at=NOON + 8 * DAY), an_event(at=NOON + 9 * DAY))
    assert [at for _, at, _ in shop.fired()] == [NOON + 9 * DAY]


def test_marketing_speaks_only_to_who_said_yes_and_not_after_a_no() -> None:
    marketing = CART.replace('consent = "none"', "")
    yes, no = {"marketing": True}, {"marketing": False}
    for contexts, n_fired in (([{}], 0), ([yes], 1), ([no, yes], 1), ([yes, no], 0)):
        shop = Shop(marketing)
        for minute, context in enumerate(contexts):
            shop.take(added(NOON + minute * MINUTE, context=context))
        shop.tick(NOON + HOUR)
        assert len(shop.fired()) == n_fired, contexts


def test_segments_and_conditions_say_who() -> None:
    text = CART + 'segments = ["vip"]\nwhen = "cart.value > 30.0"\n'
    for vip, n_added, n_fired in ((True, 2, 1), (False, 2, 0), (True, 1, 0)):
        shop = Shop(text)
        shop.take(an_event(kind="identify", at=NOON, traits={"vip": vip}))
        shop.take(*(added(NOON + n) for n in range(n_added)))
        shop.tick(NOON + HOUR)
        assert len(shop.fired()) == n_fired


def test_who_refuses_is_told_nothing_and_nothing_is_kept() -> None:
    shop = Shop(CART)
    shop.take(added())
    refusal = ConsentRefused(NOON + MINUTE, NOON + MINUTE)
    apply(shop.batch, logged(refusal, ANN.digest))
    shop.tick(NOON + HOUR)
    state = shop.batch.user(ANN.digest)
    assert isinstance(state, UserState)
    assert (shop.fired(), state.waits) == ([], {})


def test_a_visitor_brings_waits_along_and_is_told_as_the_customer() -> None:
    network = Network(rules_of(CART))
    network.append(added(user=None, anonymous="a"))
    network.append(an_identify("ann", "a", at=NOON + MINUTE))
    network.run()
    network.tick(NOON + HOUR)
    network.run()
    assert [(one.user_id, one.trigger) for one in network.fired] == [("ann", "cart")]


def test_a_visitor_whom_nobody_knows_is_told_only_where_the_trigger_says_so() -> None:
    for more, n_fired in (("", 0), ("anonymous = true\n", 1)):
        network = Network(rules_of(CART + more))
        network.append(added(user=None, anonymous="a"))
        network.run()
        network.tick(NOON + HOUR)
        network.run()
        assert [one.anonymous_id for one in network.fired] == ["a"] * n_fired


def change_of(shop: Shop, change: ProductChange, at: int) -> None:
    shop.batch.product_changes = [Changed(f"{at}-0", change, [ANN.digest])]
    apply(shop.batch, logged(ProductsChanged(f"{at}-0", at), ""))


Prices = tuple[float, float, int, int]  # and stock: before and after each
DROP = '[triggers.drop]\non = "product"\nchange = "price_drop"\nby = 0.1\nchannel = "push"\n'


def test_a_price_drop_is_told_to_who_looked_at_the_product_and_did_not_buy_it() -> None:
    for has_bought, new_price, n_fired in ((False, 80.0, 1), (True, 80.0, 0), (False, 95.0, 0)):
        shop = Shop(DROP + 'consent = "none"\n')
        shop.take(an_event(at=NOON))
        if has_bought:
            products = [{"product_id": "boots"}]
            order = an_event("Order Completed", at=NOON + MINUTE, order_id="o", products=products)
            shop.take(order)
        change_of(shop, ProductChange("boots", 100.0, new_price, None, None), NOON + HOUR)
        found = [(one.product_ids, one.facts["price"]) for one in shop.batch.outbox.fired]
        assert found == [(["boots"], 80.0)] * n_fired


def test_price_drops_at_night_are_one_firing_in_the_morning_without_what_was_bought() -> None:
    shop = Shop(QUIET + DROP + 'consent = "none"\n')
    shop.take(*(an_event(at=NOON, product_id=name) for name in ("boots", "socks", "hat")))
    for n, name in enumerate(("boots", "socks", "hat")):
        change_of(shop, ProductChange(name, 100.0, 50.0, None, None), NIGHT + n)
    products = [{"product_id": "socks"}]
    shop.take(an_event("Order Completed", at=NIGHT + HOUR, order_id="o", products=products))
    shop.tick(MORNING)
    assert [one.product_ids for one in shop.batch.outbox.fired] == [["hat", "boots"]]


def test_each_product_of_a_held_reason_has_its_own_time_and_facts() -> None:
    shop = Shop(QUIET + DROP + 'consent = "none"\n')
    shop.take(*(an_event(at=NOON, product_id=name) for name in ("boots", "hat")))
    change_of(shop, ProductChange("boots", 100.0, 50.0, None, 7), NIGHT)
    products = [{"product_id": "boots"}]
    shop.take(an_event("Order Completed", at=NIGHT + HOUR, order_id="o", products=products))
    change_of(shop, ProductChange("hat", 40.0, 30.0, None, None), NIGHT + 2 * HOUR)
    shop.tick(MORNING)
    (fired,) = shop.batch.outbox.fired
    assert fired.product_ids == ["hat"]
    assert (fired.facts["price"], "stock" in fired.facts) == (30.0, False)


@pytest.mark.parametrize(
    ("kind", "told", "undone"),
    [
        ("price_drop", (100.0, 50.0, 9, 9), (50.0, 90.0, 9, 9)),
        ("price_drop", (100.0, 50.0, 9, 9), (50.0, 50.0, 9, 0)),
        ("back_in_stock", (9.0, 9.0, 0, 9), (9.0, 9.0, 9, 0)),
        ("low_stock", (9.0, 9.0, 9, 3), (9.0, 9.0, 3, 0)),
        ("low_stock", (9.0, 9.0, 9, 3), (9.0, 9.0, 3, 100)),
    ],
    ids=["dearer", "cheaper, but sold out", "sold out", "low, then sold out", "plenty again"],
)
def test_what_is_held_of_a_product_goes_when_it_is_so_no_more(
    kind: str, told: Prices, undone: Prices
) -> None:
    trigger = DROP.replace("by = 0.1\n", "").replace("price_drop", kind)
    shop = Shop(QUIET + trigger + 'consent = "none"\n')
    shop.take(*(an_event(at=NOON, product_id=name) for name in ("boots", "hat")))
    for name in ("hat", "boots"):
        change_of(shop, ProductChange(name, *told), NIGHT)
    change_of(shop, ProductChange("hat", *undone), NIGHT + 1)
    # What else changes of it takes nothing back.
    change_of(shop, ProductChange("boots", told[1], told[1], told[3], told[3] - 1), NIGHT + 2)
    shop.tick(MORNING)
    assert [one.product_ids for one in shop.batch.outbox.fired] == [["boots"]]

    change_of(shop, ProductChange("hat", *told), MORNING + 15 * HOUR)
    change_of(shop, ProductChange("hat", *undone), MORNING + 16 * HOUR)
    shop.tick(MORNING + DAY)
    assert len(shop.batch.outbox.fired) == 1
    assert shop.batch.results["trigger", "gone"] == 1


def test_a_change_matters_where_a_trigger_waits_for_it_or_holds_what_it_undoes() -> None:
    dearer = ProductChange("boots", 50.0, 90.0, None, None)
    cheaper, little = (ProductChange("boots", 100.0, now, None, None) for now in (80.0, 95.0))
    for text, expected in (("", [True, False, False]), (QUIET, [True, False, True])):
        triggers = rules_of(text + DROP).triggers
        assert [matters(triggers, one) for one in (cheaper, little, dearer)] == expected


def test_a_change_of_a_product_leaves_nothing_with_whom_it_may_not_be_told() -> None:
    shop = Shop(DROP)
    shop.take(an_event(at=NOON))
    shop.batch.changed.clear()
    change_of(shop, ProductChange("boots", 100.0, 50.0, None, None), NOON + MINUTE)
    state = shop.batch.user(ANN.digest)
    assert isinstance(state, UserState)
    assert (state.waits, shop.batch.changed) == ({}, set())


@pytest.mark.parametrize("consent", ['consent = "none"\n', ""])
def test_what_one_history_stopped_is_stopped_in_the_joint_one(consent: str) -> None:
    network = Network(rules_of(CART.replace('consent = "none"\n', consent)))
    network.append(added(context={"marketing": True}))
    network.append(
        an_event(
            "Order Completed", at=NOON + 2 * MINUTE, user=None, anonymous="phone", order_id="o"
        )
    )
    network.append(an_identify("ann", "phone", at=NOON + 3 * MINUTE))
    network.run()
    network.tick(NOON + DAY)
    network.run()
    assert not network.fired


def test_a_no_to_marketing_that_another_history_brings_lets_go_of_what_waits() -> None:
    network = Network(rules_of(CART.replace('consent = "none"\n', "")))
    network.append(an_event("Search", at=NOON + MINUTE, context={"marketing": False}))
    network.append(added(user=None, anonymous="phone", context={"marketing": True}))
    network.append(an_identify("ann", "phone", at=NOON + 2 * MINUTE))
    network.run()
    ann = network.known("ann")
    assert isinstance(ann, UserState)
    assert [wait.times for wait in ann.waits.values()] == [[]]


def test_a_merge_asks_again_only_of_what_it_brings() -> None:
    seen = '[triggers.seen]\non = "event"\nevent = "Product Viewed"\nchannel = "push"\n'
    seen += 'consent = "none"\nwhen = "user.n_orders > 0"\n'
    for name, n_fired in (("Search", 0), ("Product Viewed", 1)):
        network = Network(rules_of(seen))
        network.append(an_event(at=NOON))
        network.append(an_event(name, at=NOON + 1, user=None, anonymous="phone"))
        order = {"order_id": "o", "user": None, "anonymous": "phone"}
        network.append(an_event("Order Completed", at=NOON + 2, **order))  # type: ignore[arg-type]
        network.append(an_identify("ann", "phone", at=NOON + MINUTE))
        network.run()
        assert len(network.fired) == n_fired


def test_a_track_event_that_is_called_as_an_act_that_is_built_in_is_none() -> None:
    for act in ("visit", "page", "track"):
        shop = Shop(VISITS.replace('"visit"', f'"{act}"').replace("times = 2\nwithin", "once_in"))
        shop.take(an_event("visit", at=NOON), an_event("page", at=NOON + MINUTE))
        assert len(shop.fired()) == (act == "visit")


def test_what_is_spent_is_let_go_of_a_day_later_and_what_was_told_outlives_its_trigger() -> None:
    shop = Shop(VISITS + CART)
    shop.take(added(), an_event("Search", at=NOON + HOUR))
    shop.tick(NOON + 2 * HOUR)
    state = shop.batch.user(ANN.digest)
    assert isinstance(state, UserState)
    told_at = {name: wait.told_at for name, wait in state.waits.items()}
    assert told_at == {"cart": NOON + HOUR, "visits": NOON + HOUR}

    shop.batch.rules = rules_of(VISITS)
    shop.take(an_event("Search", at=NOON + 3 * HOUR), an_event("Search", at=NOON + 4 * HOUR))
    assert shop.results() == {"fired": 3}
    assert set(state.waits) == {"cart", "visits"}
    shop.batch.rules = rules_of(VISITS + CART)
    shop.take(an_event("Search", at=NOON + 3 * DAY), an_event("Search", at=NOON + 4 * DAY))
    assert shop.results() == {"fired": 4}
    assert set(state.waits) == {"visits"}

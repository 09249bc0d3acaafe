"""Triggers on what is expected of a customer's next order."""

from typing import Any

import pytest

from config.events import Event
from config.fired import Fired
from config.trigger_checks import Around, read_triggers
from config.trigger_file import read_trigger_tables
from online_models.curves import LEAST_LEARNED, Curves
from online_models.rhythm import N_BINS, N_GROUPS
from online_models.users import UserState
from stream.batch import Rules
from stream.trigger_rules import made_ready
from tests.builders import DAY, NOON, an_event
from tests.stream.simulation import Network

CURVES = Curves(10.0 * DAY, LEAST_LEARNED, [[0.2] * N_BINS] * N_GROUPS)
DUE = """
[triggers.again]
on = "forecast"
forecast = "due_again"
channel = "email"
consent = "none"
"""
LEAVING = DUE.replace("again]", "leaving]").replace('"due_again"', '"leaving"\nlikely = 0.7')


def shop(text: str, curves: Curves = CURVES) -> Network:
    triggers = read_triggers(read_trigger_tables(text), Around({}, {}, 180 * DAY))
    network = Network(Rules(retention_ms=720 * DAY, triggers=made_ready(triggers)))
    network.learn(curves)
    network.run()
    return network


def order(at: int, user: str | None = "ann", **more: Any) -> Event:
    return an_event("Order Completed", at=at, user=user, order_id=f"o-{at}", **more)


def go_on(network: Network, until: int, *events: Event) -> list[Fired]:
    """Apply events, then let time pass day by day; return what fired."""
    for event in events:
        network.append(event)
        network.run()
    for at in range(max(network.clocks), until + 1, DAY):
        network.tick(at)
        network.run()
    return network.fired


def expected(network: Network) -> int:
    state = network.known("ann")
    assert isinstance(state, UserState)
    assert state.rhythm is not None
    return CURVES.due_at(state.rhythm, 0.5)


def test_a_customer_is_told_once_when_the_next_order_is_due() -> None:
    network = shop(DUE)
    fired = go_on(network, NOON + 100 * DAY, order(NOON))
    assert [(one.trigger, one.why, one.due_at) for one in fired] == [
        ("again", "forecast", expected(network))
    ]
    assert NOON < fired[0].due_at <= fired[0].fired_at
    assert fired[0].due_at < NOON + 100 * DAY


def test_an_order_begins_the_wait_anew() -> None:
    network = shop(DUE)
    network.append(order(NOON))
    network.run()
    before = expected(network)
    fired = go_on(network, before + DAY, order(before - 1))
    assert fired == []
    told = go_on(network, NOON + 200 * DAY)
    assert len(told) == 1
    assert told[0].due_at > before + DAY


def test_a_silence_that_says_that_a_customer_left_is_told_later_than_the_next_order_is_due() -> (
    None
):
    network = shop(DUE + LEAVING)
    fired = go_on(network, NOON + 700 * DAY, order(NOON))
    assert [one.trigger for one in fired] == ["again", "leaving"]


@pytest.mark.parametrize("n_learned", [0, LEAST_LEARNED - 1])
def test_while_little_is_learned_nobody_is_told(n_learned: int) -> None:
    curves = Curves(CURVES.usual_ms, n_learned, CURVES.chances)
    assert go_on(shop(DUE, curves), NOON + 100 * DAY, order(NOON)) == []


def test_what_was_due_long_before_it_was_known_is_dropped() -> None:
    network = shop(DUE, Curves(CURVES.usual_ms, 0, CURVES.chances))
    go_on(network, NOON + 100 * DAY, order(NOON))
    network.learn(CURVES)
    network.run()
    assert go_on(network, NOON + 200 * DAY) == []

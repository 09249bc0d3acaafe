"""Waits for what is expected of a customer, from the rhythm of the customer's orders. Pure.

What is expected is told by the curves that the shard knows when the order comes in, or, where these
know too little then, when they know enough. The next order takes it back, and begins another wait.
"""

from config.triggers import ForecastTrigger
from online_models.curves import Curves
from online_models.users import Rhythm, UserState
from stream.trigger_rules import MARKETING, InForce
from stream.waits import wait_until

LEAST_LEARNED = 100  # intervals; with fewer, nobody is told anything


def note_rhythm(state: UserState, curves: Curves, in_force: InForce) -> None:
    """Begin the waits of forecasts that have not begun since the last order."""
    if state.rhythm is None or curves.n_learned < LEAST_LEARNED:
        return
    for rule in in_force.forecasts:
        if rule.needs & MARKETING & ~state.reach:
            continue
        trigger = rule.trigger
        assert isinstance(trigger, ForecastTrigger)
        due_at = _expected_at(trigger, state.rhythm, curves)
        wait_until(state, rule, state.rhythm.ordered_at, due_at)


def _expected_at(trigger: ForecastTrigger, rhythm: Rhythm, curves: Curves) -> int | None:
    if trigger.forecast == "leaving":
        return curves.leaves_at(rhythm, trigger.likely)
    return curves.due_at(rhythm, trigger.likely)

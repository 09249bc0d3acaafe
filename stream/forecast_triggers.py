"""When triggers fire that a forecast of a customer's orders sets off. Pure, in place.

What is expected follows from the customer's rhythm and from what the shard was told of all
customers (``RhythmLearned``): both from its log, so it is the same on replay.
"""

from config.triggers import ForecastTrigger
from online_models.curves import LEAST_LEARNED, Curves
from online_models.expected import Rhythm
from online_models.users import UserState
from stream.trigger_rules import MARKETING, InForce
from stream.waits import expect


def follow_forecasts(state: UserState, curves: Curves, in_force: InForce, *, is_anew: bool) -> None:
    """Wait for what is expected of a customer as of now; an order begins the wait anew.

    What is waited for already is worked out again where ``is_anew``, for that takes long.
    """
    if state.rhythm is None or curves.n_learned < LEAST_LEARNED:
        return
    for rule in in_force.forecasts:
        trigger = rule.trigger
        if isinstance(trigger, ForecastTrigger) and not rule.needs & MARKETING & ~state.reach:
            wait, since = state.waits.get(rule.name), state.rhythm.ordered_at
            if not is_anew and wait is not None and (wait.times or since <= wait.stopped_at):
                continue
            due_at = _expected_at(trigger, state.rhythm, curves)
            expect(state, rule, since, due_at)


def _expected_at(trigger: ForecastTrigger, rhythm: Rhythm, curves: Curves) -> int | None:
    """Return when (ms) what a trigger waits for is as likely as it says, None for never."""
    if trigger.forecast == "due_again":
        return curves.due_at(rhythm, trigger.likely)
    return curves.leaves_at(rhythm, trigger.likely)

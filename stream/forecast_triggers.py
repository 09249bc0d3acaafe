"""When triggers fire that a forecast of a customer's orders sets off. Pure, in place.

What is expected follows from the customer's rhythm and from what the shard was told of all
customers (``RhythmLearned``): both from its log, so it is the same on replay.
"""

from config.triggers import ForecastTrigger
from online_models.curves import Curves
from online_models.users import Rhythm, UserState
from stream.batch import Batch
from stream.waits import expect

LEAST_LEARNED = 100  # intervals; with fewer, nobody is told anything


def follow_forecasts(batch: Batch, state: UserState) -> None:
    """Wait for what is expected of a customer as of now; an order begins the wait anew."""
    rules = batch.rules.triggers.of("forecast")
    if state.rhythm is None or not rules or batch.curves.n_learned < LEAST_LEARNED:
        return
    for rule in rules:
        trigger = rule.trigger
        if isinstance(trigger, ForecastTrigger):
            due_at = expected_at(trigger, state.rhythm, batch.curves)
            expect(state, rule, state.rhythm.ordered_at, due_at)


def expected_at(trigger: ForecastTrigger, rhythm: Rhythm, curves: Curves) -> int | None:
    """Return when (ms) what a trigger waits for is as likely as it says, None for never."""
    if trigger.forecast == "due_again":
        return curves.due_at(rhythm, trigger.likely)
    return curves.leaves_at(rhythm, trigger.likely)

"""Lets go of what is remembered of triggers' reasons that are over. Pure, in place."""

from config.durations import DAY_MS
from online_models.expected import Wait
from online_models.users import UserState
from stream.trigger_rules import InForce, Rule

KEPT_MS = DAY_MS  # what is over still says so long that earlier events came too late
TAKEN_OUT_KEPT_MS = 30 * DAY_MS  # of triggers that are not in the file any more


def forget_spent(state: UserState, in_force: InForce, clock: int) -> None:
    """Let go of what is over for long, and of what is not in force any more."""
    gone, recent = [], clock - KEPT_MS
    for name, wait in state.waits.items():
        if wait.stopped_at >= recent or wait.told_at >= recent:  # as most are
            continue
        rule = in_force.rules.get(name)
        if (not wait.times or rule is None) and _is_spent(wait, rule, clock):
            gone.append(name)
    for name in gone:
        del state.waits[name]
    if state.stops:
        for act in [act for act in state.stops if act not in in_force.by_act]:
            del state.stops[act]


def _is_spent(wait: Wait, rule: Rule | None, clock: int) -> bool:
    if rule is None:  # what was told is not told again when the trigger is back soon
        return max(wait.stopped_at, wait.told_at) + TAKEN_OUT_KEPT_MS < clock
    if rule.why == "forecast":
        return False  # a forecast's says that this interval was told of, however long it gets
    rested_at = wait.told_at + rule.once_ms if wait.told_at >= 0 else -1
    return max(wait.stopped_at, rested_at) + KEPT_MS < clock

"""What two histories that turn out to be one say together about triggers. Pure, in place."""

from collections.abc import Mapping

from config.commerce import Name
from config.triggers import MAX_TIMES
from online_models.expected import About, Wait
from online_models.users import MAX_TOLD, User, UserState
from stream.trigger_rules import InForce, Rule
from stream.waits import MAX_ABOUT, note_reach, stop

Counted = Mapping[str, list[int]]  # event times, latest first, by trigger


def join_waits(known: UserState, other: UserState) -> None:
    """Join another history's waits, in place; ``settle_joined`` comes after."""
    known.heard_at = max(known.heard_at, other.heard_at)
    known.held_until = max(known.held_until, other.held_until)
    if other.marketing is not None:
        known.marketing = max(known.marketing or other.marketing, other.marketing)
    known.told = sorted({*known.told, *other.told}, reverse=True)[:MAX_TOLD]
    for act, at in other.stops.items():
        known.stops[act] = max(known.stops.get(act, -1), at)
    for name, theirs in other.waits.items():
        mine = known.waits.get(name)
        known.waits[name] = theirs if mine is None else _joined(mine, theirs)


def counted_by(user: User | None) -> Counted:
    """Return what counts for a user, to be asked before another history joins."""
    waits = user.waits if isinstance(user, UserState) else {}
    return {name: wait.times[:] for name, wait in waits.items()}


def settle_joined(state: UserState, in_force: InForce, clock: int, before: Counted) -> list[Rule]:
    """Let each history's stops count in the other; return of which triggers more counts now."""
    grown = [
        rule
        for name, wait in state.waits.items()
        if (rule := in_force.rules.get(name)) is not None and wait.times != before.get(name, [])
    ]
    stops = dict(state.stops)
    if state.order_history:  # of who did not say yes to marketing no stops are kept
        ordered_at = state.order_history[0].at
        stops[Name.ORDER_COMPLETED] = max(stops.get(Name.ORDER_COMPLETED, -1), ordered_at)
    for name in state.waits:
        rule = in_force.rules.get(name)
        for act in rule.unless if rule is not None else ():
            if rule is not None and act in stops:
                stop(state, rule, stops[act])
    note_reach(state, in_force, clock, is_joined=True)
    return grown


def _joined(mine: Wait, theirs: Wait) -> Wait:
    stopped_at = max(mine.stopped_at, theirs.stopped_at)
    times = sorted((*mine.times, *theirs.times), reverse=True)
    times = [at for at in times if at > stopped_at][:MAX_TIMES]
    return Wait(
        times=times,
        heard_at=max(mine.heard_at, theirs.heard_at),
        until=max(mine.until, theirs.until) if times else -1,
        stopped_at=stopped_at,
        told_at=max(mine.told_at, theirs.told_at),
        about=_about_both(mine.about, theirs.about),
    )


def _about_both(mine: tuple[About, ...], theirs: tuple[About, ...]) -> tuple[About, ...]:
    latest: dict[str, About] = {}
    for one in sorted((*mine, *theirs), key=lambda one: one.at, reverse=True):
        latest.setdefault(one.product_id, one)
    return tuple(latest.values())[:MAX_ABOUT]

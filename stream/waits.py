"""How far each trigger's reason has come for a user: what counts, begins, stops. Pure, in place.

Each wait is a function of the set of a user's events where no bound is hit, so that histories may
arrive and merge in any order: times are event times, and what a stop covers stays covered. When a
wait is over is told by the shard's clock: what was held up on its way may still come.
"""

from bisect import insort
from operator import neg

from config.keys import DAY_MS
from config.triggers import MAX_TIMES
from online_models.users import MAX_TOLD, UserState, Wait
from stream.trigger_rules import InForce, Rule

MAX_ABOUT = 10  # products of one reason
KEPT_MS = DAY_MS  # what is over still says so long that earlier events came too late


def wait_for(state: UserState, rule: Rule) -> Wait:
    """Return a user's wait for a trigger, a new one where there is none."""
    wait = state.waits.get(rule.name)
    if wait is None:
        wait = state.waits[rule.name] = Wait()
    return wait


def start(wait: Wait, at: int, received_at: int) -> None:
    """Begin a wait for absence, unless something later has begun it or stopped it."""
    if at <= wait.stopped_at or (wait.times and at < wait.times[0]):
        return
    wait.times, wait.until = [at], -1
    wait.heard_at = max(wait.heard_at, received_at)


def count(wait: Wait, rule: Rule, at: int, received_at: int) -> None:
    """Count an act."""
    if at <= wait.stopped_at:
        return
    insort(wait.times, at, key=neg)
    del wait.times[rule.times :]
    if wait.until < 0:  # what is held already was complete before
        wait.heard_at = max(wait.heard_at, received_at)


def stop(wait: Wait, rule: Rule, at: int) -> None:
    """Let nothing count that happened until then."""
    if at <= wait.stopped_at:
        return
    wait.stopped_at = at
    wait.times = [one for one in wait.times if one > at]
    if len(wait.times) < rule.times:
        wait.until = -1


def use_up(wait: Wait, rule: Rule) -> None:
    """Let the reason count no more: it was told, or it is not worth telling."""
    if rule.why in ("event", "absence") and wait.times:
        wait.stopped_at = max(wait.stopped_at, wait.times[0])
    wait.times, wait.until, wait.about, wait.facts = [], -1, [], {}


def withdraw(wait: Wait, product_id: str | None = None) -> None:
    """Take a reason from outside back, or what it says of a product: it is not so any more."""
    wait.about = [] if product_id is None else [one for one in wait.about if one != product_id]
    if not wait.about:
        wait.times, wait.until, wait.facts = [], -1, {}


def leave_bought(state: UserState, wait: Wait) -> None:
    """Leave out of a reason the products that were bought since."""
    if wait.times:
        bought = {name for at, name in state.bought if at >= wait.times[0]}
        wait.about = [one for one in wait.about if one not in bought]


def is_complete(wait: Wait, rule: Rule) -> bool:
    """Tell whether what an event trigger counts is there."""
    times, n = wait.times, rule.times
    return len(times) >= n and times[0] - times[n - 1] <= rule.window_ms


def wake(state: UserState, in_force: InForce) -> None:
    """End the holding of idle waits: the user is there again, and the wait begins anew."""
    for name, wait in state.waits.items():
        if wait.until >= 0 and (rule := in_force.rules.get(name)) is not None and rule.is_idle:
            wait.until = -1


def complete_at(wait: Wait, rule: Rule, state: UserState) -> int:
    """Return when (ms, by the shard's clock) a reason that is waited for is complete, or was."""
    if rule.why != "absence":
        return wait.heard_at
    heard_at = max(wait.heard_at, state.heard_at) if rule.is_idle else wait.heard_at
    return heard_at + rule.wait_ms


def due_of(wait: Wait, rule: Rule, state: UserState) -> int | None:
    """Return when (ms, by the shard's clock) something is to be done about a wait."""
    if wait.until >= 0:
        return wait.until
    if rule.wait_ms and wait.times:
        return complete_at(wait, rule, state)
    return None


def due_at(state: UserState, in_force: InForce) -> int | None:
    """Return when (ms, by the shard's clock) something is to be done about a user's waits."""
    earliest, rules = None, in_force.rules
    for name, wait in state.waits.items():
        rule = rules.get(name)
        if rule is None:
            continue
        due = due_of(wait, rule, state)
        if due is not None and (earliest is None or due < earliest):
            earliest = due
    return earliest


def forget_old(state: UserState, in_force: InForce, clock: int) -> None:
    """Let go of what is over, and of triggers that are not in force any more."""
    kept = {}
    for name, wait in state.waits.items():
        rule = in_force.rules.get(name)
        if rule is None:
            continue
        over_at = max(wait.stopped_at, wait.told_at + rule.once_ms if wait.told_at >= 0 else -1)
        if wait.times or wait.until >= 0 or over_at + KEPT_MS >= clock:
            kept[name] = wait
    state.waits = kept


def note_told(state: UserState, in_force: InForce, channel: str, now: int) -> None:
    """Remember that a channel fired, as far back as its caps look."""
    caps = in_force.caps.get(channel)
    if caps is None:
        return
    most = max(times for times, _ in caps)
    others = [one for one in state.told if one[1] != channel]
    same = [(now, channel), *(one for one in state.told if one[1] == channel)][:most]
    state.told = sorted((*others, *same), reverse=True)[:MAX_TOLD]


def let_go(state: UserState) -> None:
    """Wait for nothing any more: the user refused."""
    state.waits = {}


def join_waits(known: UserState, other: UserState) -> None:
    """Join another history's waits, in place."""
    known.heard_at = max(known.heard_at, other.heard_at)
    if other.marketing is not None:
        known.marketing = max(known.marketing or other.marketing, other.marketing)
    known.told = sorted({*known.told, *other.told}, reverse=True)[:MAX_TOLD]
    for name, theirs in other.waits.items():
        mine = known.waits.get(name)
        if mine is None:
            known.waits[name] = theirs
            continue
        mine.stopped_at = max(mine.stopped_at, theirs.stopped_at)
        times = sorted((*mine.times, *theirs.times), reverse=True)
        mine.times = [at for at in times if at > mine.stopped_at][:MAX_TIMES]
        mine.heard_at = max(mine.heard_at, theirs.heard_at)
        mine.until = max(mine.until, theirs.until) if mine.times else -1
        mine.told_at = max(mine.told_at, theirs.told_at)
        mine.about = list(dict.fromkeys((*mine.about, *theirs.about)))[:MAX_ABOUT]
        mine.facts = {**theirs.facts, **mine.facts}

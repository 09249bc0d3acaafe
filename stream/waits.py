"""How far each trigger's reason has come for a user: what counts, begins, stops. Pure, in place.

Each wait is a function of the set of a user's events where no bound is hit, so that histories may
arrive and merge in any order: times are event times, and what a stop covers stays covered. When a
wait is over is told by the shard's clock: what was held up on its way may still come.

There may be many triggers and events; so an event touches only the triggers that name its act, and
``waits_due_at`` is a bound: where a wait began anew meanwhile, nothing is due, and it moves on.
"""

from bisect import insort
from operator import neg

from online_models.expected import Wait
from online_models.users import MAX_TOLD, UserState
from stream.trigger_rules import KNOWN, MARKETING, InForce, Roles, Rule

NOTHING: tuple[Rule, ...] = ()
MAX_ABOUT = 10  # products of one reason


def wait_for(state: UserState, rule: Rule) -> Wait:
    """Return a user's wait for a trigger, a new one where there is none."""
    wait = state.waits.get(rule.name)
    if wait is None:
        wait = state.waits[rule.name] = Wait()
    return wait


def take_act(
    state: UserState, roles: Roles, act: str, at: int, received_at: int
) -> tuple[Rule, ...]:
    """Let an act stop, begin and count; return the triggers whose acts are now all there."""
    if roles.stops:
        state.stops[act] = max(state.stops.get(act, -1), at)
        for rule in roles.stops:
            stop(state, rule, at)
    for rule in roles.starts:
        _start(state, rule, at, received_at)
    complete = NOTHING
    for rule in roles.counts:
        if _count(state, rule, at, received_at):
            complete += (rule,)
    return complete


def _start(state: UserState, rule: Rule, at: int, received_at: int) -> None:
    """Begin a wait for absence, unless something later has begun it or stopped it."""
    wait = state.waits.get(rule.name)
    if wait is None:
        wait = state.waits[rule.name] = Wait()
    elif at <= wait.stopped_at or (wait.times and at < wait.times[0]):
        return
    if rule.unless and state.stops and _is_stopped(state, rule, at):
        return
    wait.times, wait.until = [at], -1
    wait.heard_at = max(wait.heard_at, received_at)
    due_at = received_at + rule.wait_ms
    if not 0 <= state.waits_due_at <= due_at:  # mostly another one is due before
        _arm(state, rule, due_at)


def _count(state: UserState, rule: Rule, at: int, received_at: int) -> bool:
    """Count an act, unless the trigger rests; tell whether all that it counts is there."""
    wait = state.waits.get(rule.name)
    if wait is None:
        wait = state.waits[rule.name] = Wait()
    elif at <= wait.stopped_at or (wait.told_at >= 0 and is_resting(wait, rule, received_at)):
        return False
    if rule.unless and state.stops and _is_stopped(state, rule, at):
        return False
    times, n = wait.times, rule.times
    if times and at < times[0]:
        insort(times, at, key=neg)
    else:
        times.insert(0, at)
    n_over = len(times) - n
    if n_over > 0:
        del times[n:]
    if wait.until >= 0:  # what is held already was complete before
        return False
    wait.heard_at = max(wait.heard_at, received_at)
    return n_over >= 0 and times[0] - times[-1] <= rule.window_ms


def stop(state: UserState, rule: Rule, at: int) -> None:
    """Let nothing count that happened until then."""
    wait = state.waits.get(rule.name)
    if wait is not None and wait.times:
        wait.times = [one for one in wait.times if one > at]
        if len(wait.times) < rule.times:
            wait.until = -1


def _is_stopped(state: UserState, rule: Rule, at: int) -> bool:
    for act in rule.unless:  # noqa: SIM110 -- asked of each event; a generator takes twice as long
        if state.stops.get(act, -1) >= at:
            return True
    return False


def wake(state: UserState, rule: Rule) -> None:
    """End the holding of an idle wait: the user is there again, and the wait begins anew."""
    wait = state.waits.get(rule.name)
    if wait is not None and wait.until >= 0:
        wait.until = -1
        _arm(state, rule, complete_at(wait, rule, state))


def expect(state: UserState, rule: Rule, since: int, due_at: int | None) -> None:
    """Wait until something is due that is expected since (ms), None where it is not any more.

    What is held for the same reason goes on being held, and what was told is not told again.
    """
    wait = wait_for(state, rule)
    if since <= wait.stopped_at:
        wait.times, wait.until = [], -1
        return
    if wait.times != [since]:
        wait.until = -1
    if wait.until >= 0:
        return
    wait.times = [] if due_at is None else [since]
    if due_at is not None:
        wait.heard_at = due_at
        _arm(state, rule, due_at)


def use_up(wait: Wait, rule: Rule) -> None:
    """Let the reason count no more: it was told, or it is not worth telling."""
    if rule.why != "product" and wait.times:
        wait.stopped_at = max(wait.stopped_at, wait.times[0])
    _empty(wait)


def leave_bought(state: UserState, wait: Wait) -> None:
    """Leave out of a reason the products that were bought since each became one."""
    bought = {name: at for at, name in state.bought}
    wait.about = tuple(one for one in wait.about if bought.get(one.product_id, -1) < one.at)


def withdraw(wait: Wait, product_id: str) -> bool:
    """Leave a product out of what is held; tell whether it was held."""
    kept = tuple(one for one in wait.about if one.product_id != product_id)
    was_held = len(kept) < len(wait.about)
    wait.about = kept
    if not kept:
        _empty(wait)
    return was_held


def is_complete(wait: Wait, rule: Rule) -> bool:
    """Tell whether what an event trigger counts is there."""
    times, n = wait.times, rule.times
    return len(times) >= n and times[0] - times[n - 1] <= rule.window_ms


def is_resting(wait: Wait, rule: Rule, now: int) -> bool:
    """Tell whether a trigger fired for a user so short a time ago that it does not fire again."""
    return rule.once_ms > 0 and wait.told_at >= 0 and now - wait.told_at < rule.once_ms


def is_reached(state: UserState, rule: Rule) -> bool:
    """Tell whether a trigger may speak to a user, as far as that was noted."""
    return state.reach & rule.needs == rule.needs


def note_reach(state: UserState, in_force: InForce, clock: int, *, is_joined: bool = False) -> None:
    """Note whom triggers may speak to; of two histories that were joined, look at all anew.

    Who takes the yes to marketing back has nothing left that waits for it. Of whom there was no
    user id so far, what was complete meanwhile is not told now; the rest goes on.
    """
    reach = KNOWN if state.user_id is not None else 0
    if state.marketing is not None and state.marketing[1]:
        reach += MARKETING
    if reach == state.reach and not is_joined:
        return
    state.reach = reach
    for name, wait in state.waits.items():
        rule = in_force.rules.get(name)
        if rule is None:
            continue
        if rule.needs & MARKETING & ~reach:
            _empty(wait)
        elif (due := due_of(wait, rule, state)) is not None:
            if due <= clock and wait.until < 0:
                use_up(wait, rule)
            else:
                _arm(state, rule, due)


def expire(state: UserState, in_force: InForce, clock: int) -> None:
    """Use idle waits up that were over while nobody could be told."""
    for rule in in_force.idle:
        wait = state.waits.get(rule.name)
        if wait is None or not wait.times or is_reached(state, rule):
            continue
        if complete_at(wait, rule, state) <= clock:
            use_up(wait, rule)


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
    if rule.is_timed and wait.times and state.reach & rule.needs == rule.needs:
        return complete_at(wait, rule, state)
    return None


def take_due(state: UserState, in_force: InForce, clock: int) -> list[Rule]:
    """Return whose waits are due by the clock, the earliest first; look when the next ones are."""
    due: list[tuple[int, int, Rule]] = []
    state.waits_due_at = state.held_until = -1
    for name, wait in state.waits.items():
        if wait.until < 0 and not wait.times:  # nothing is waited for
            continue
        rule = in_force.rules.get(name)
        if rule is None or (due_at := due_of(wait, rule, state)) is None:
            continue
        if due_at <= clock:
            due.append((due_at, rule.place, rule))
            continue
        _arm(state, rule, due_at)
        state.held_until = max(state.held_until, wait.until)
    if len(due) > 1:
        due.sort(key=_by_due)
    return [rule for _, _, rule in due]


def hold(state: UserState, rule: Rule, wait: Wait, until: int) -> None:
    """Hold a reason until quiet hours are over."""
    wait.until = until
    state.held_until = max(state.held_until, until)
    _arm(state, rule, until)


def note_told(state: UserState, in_force: InForce, channel: str, now: int) -> None:
    """Remember that a channel fired, as far back as its caps look."""
    caps = in_force.caps.get(channel)
    if caps is None:
        return
    if not state.told:
        state.told = [(now, channel)]
        return
    told, left = [(now, channel)], max([times for times, _ in caps]) - 1
    for one in state.told:
        if one[1] == channel:
            if left <= 0:
                continue
            left -= 1
        told.append(one)
    told.sort(reverse=True)
    state.told = told[:MAX_TOLD]


def let_go(state: UserState) -> None:
    """Wait for nothing any more: the user refused."""
    state.waits, state.stops = {}, {}
    state.waits_due_at = state.held_until = -1


def _arm(state: UserState, rule: Rule, due_at: int) -> None:
    """See to it that a wait is looked at when it is due."""
    if (state.waits_due_at < 0 or due_at < state.waits_due_at) and is_reached(state, rule):
        state.waits_due_at = due_at


def _empty(wait: Wait) -> None:
    wait.times, wait.until, wait.about = [], -1, ()


def _by_due(one: tuple[int, int, Rule]) -> tuple[int, int]:
    return one[:2]

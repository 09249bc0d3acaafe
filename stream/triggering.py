"""Decides per user which triggers fire, and hands them to the shard's outbox. Pure.

A reason comes of events (``note_event``), of time (``pass_time``), or from outside (``tell``). All
happens in the shard's commit and by its clock: each firing takes effect once, the same live and on
replay with the same file of triggers.
"""

from collections.abc import Iterable
from hashlib import blake2b

from config.events import Event
from config.fired import Fired
from config.triggers import BUILT_IN, VISIT
from online_models.expected import About, Wait
from online_models.users import Session, UserState
from stream.batch import Batch
from stream.joined_waits import Counted, settle_joined
from stream.spent_waits import forget_spent
from stream.trigger_facts import Customer, facts_for_texts, products_about
from stream.trigger_rules import MARKETING, Rule
from stream.verdicts import ABOUT_WHO, Moment, Verdict, time_zone_of, verdict
from stream.waits import (
    MAX_ABOUT,
    NOTHING,
    complete_at,
    expire,
    hold,
    is_complete,
    is_reached,
    leave_bought,
    note_reach,
    note_told,
    take_act,
    take_due,
    use_up,
    wait_for,
    wake,
)


def note_event(
    batch: Batch, digest: str, state: UserState, session: Session, event: Event, received_at: int
) -> None:
    """Take what an event, which is in the state already, means to triggers."""
    in_force = batch.rules.triggers
    if not in_force.rules:
        return
    clock = batch.clock if batch.clock > received_at else received_at
    note_reach(state, in_force, clock)
    if received_at > state.heard_at:
        if received_at - state.heard_at >= in_force.least_idle_ms:
            expire(state, in_force, clock)
        state.heard_at = received_at
    if state.held_until >= 0:
        for rule in in_force.idle:
            wake(state, rule)
    by_act = in_force.by_act if state.reach & MARKETING else in_force.by_act_of_others
    at, complete = event.occurred_at, NOTHING
    if session.n_events == 1 and (roles := by_act.get(VISIT)) is not None:
        complete = take_act(state, roles, VISIT, at, received_at)
    act: str = event.type
    if act == "track":
        act = "" if event.name in BUILT_IN else event.name
    if (roles := by_act.get(act)) is not None:
        complete += take_act(state, roles, act, at, received_at)
    if complete:
        # A visit may begin with the very order that stops what counts visits.
        found = [rule for rule in complete if _may_be_told(state, rule)]
        found.sort(key=_by_place)
        tell_all(batch, digest, state, found, clock)


def pass_time(batch: Batch, digest: str, state: UserState, clock: int, now: int) -> None:
    """Do what is due by the clock; ``now`` is to where the clock moves (ms)."""
    in_force = batch.rules.triggers
    if 0 <= state.waits_due_at <= clock:
        due = take_due(state, in_force, clock)
        if due:
            tell_all(batch, digest, state, due, max(clock, now))


def note_joined(batch: Batch, digest: str, state: UserState, before: Counted) -> None:
    """Take what two histories say together; what only both complete is told.

    ``before`` is what counted for the known user alone.
    """
    in_force = batch.rules.triggers
    if not in_force.rules:
        return
    grown = settle_joined(state, in_force, batch.clock, before)
    complete = [
        rule
        for rule in grown
        if rule.why == "event" and state.waits[rule.name].until < 0 and _may_be_told(state, rule)
    ]
    complete.sort(key=_by_place)
    tell_all(batch, digest, state, complete, batch.clock)


def tell(
    batch: Batch,
    digest: str,
    state: UserState,
    rule: Rule,
    about: About,
    now: int,
) -> None:
    """Take a changed product as a reason that is complete as of ``now``.

    Its time and the product name the firing. What is held already goes on being held, with this
    added.
    """
    wait = wait_for(state, rule)
    wait.times, wait.heard_at = [about.at], max(wait.heard_at, now)
    others = (one for one in wait.about if one.product_id != about.product_id)
    wait.about = (about, *others)[:MAX_ABOUT]
    if wait.until < 0:
        tell_all(batch, digest, state, [rule], now)


def tell_all(batch: Batch, digest: str, state: UserState, rules: Iterable[Rule], now: int) -> None:
    """Fire, hold or drop complete reasons, in this order."""
    in_force = batch.rules.triggers
    is_fired = False
    customer = Customer(state, now, batch.rules.session_gap_ms, in_force.needed)
    for rule in rules:
        wait = state.waits[rule.name]
        moment = Moment(complete_at(wait, rule, state), now)
        if rule.why == "product":
            leave_bought(state, wait)
        found = (
            Verdict.GONE
            if rule.why == "product" and not wait.about
            else verdict(rule, state, wait, moment, customer, in_force)
        )
        if found is Verdict.FIRED:
            batch.outbox.fired.append(_fired(batch, digest, state, rule, wait, moment))
            wait.told_at, is_fired = now, True
            note_told(state, in_force, rule.trigger.channel, now)
        batch.count("trigger", found)
        if found is Verdict.HELD:
            until = in_force.quiet.until(time_zone_of(state), now)
            hold(state, rule, wait, now + 1 if until is None else until)
        elif rule.why != "event" or found not in ABOUT_WHO:
            use_up(wait, rule)
        else:
            wait.until = -1
    if is_fired:
        forget_spent(state, in_force, now)


def _may_be_told(state: UserState, rule: Rule) -> bool:
    return is_complete(state.waits[rule.name], rule) and is_reached(state, rule)


def _by_place(rule: Rule) -> int:
    return rule.place


def _fired(
    batch: Batch, digest: str, state: UserState, rule: Rule, wait: Wait, moment: Moment
) -> Fired:
    trigger = rule.trigger
    facts = facts_for_texts(state)
    if wait.about:
        facts |= wait.about[0].facts
        about = [one.product_id for one in wait.about]
    else:
        about = products_about(state, rule.about, MAX_ABOUT)
    if rule.times > 1:
        facts["n_times"] = rule.times
    since = moment.due_at if trigger.late == "drop" else moment.now
    return Fired(
        firing_id=firing_id(rule.name, digest, wait),
        trigger=rule.name,
        why=rule.why,
        channel=trigger.channel,
        shard=batch.ids.shard_of(digest),
        digest=digest,
        user_id=state.user_id,
        anonymous_id=state.anonymous_ids[0][1] if state.anonymous_ids else None,
        due_at=moment.due_at,
        fired_at=moment.now,
        expires_at=since + rule.valid_ms,
        placements=list(trigger.placements),
        product_ids=about,
        facts=facts,
    )


def firing_id(trigger: str, digest: str, wait: Wait) -> str:
    """Return the id of a firing: the same trigger, user and reason have the same."""
    reason = f"{wait.times[0]}:{wait.about[0].product_id if wait.about else ''}"
    name = f"{trigger}\0{digest}\0{reason}".encode()
    return f"trg_{blake2b(name, digest_size=16).hexdigest()}"

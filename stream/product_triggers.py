"""Which triggers a changed product sets off, or takes back, for whom it concerns. Pure."""

from config.log_ids import log_id
from config.product_changes import ProductChange
from config.triggers import ProductTrigger
from online_models.expected import About
from stream.batch import Batch
from stream.trigger_facts import Facts
from stream.trigger_rules import InForce
from stream.triggering import tell
from stream.verdicts import Verdict
from stream.waits import is_reached, note_reach, withdraw
from stream.watching import Concerned


def take_change(batch: Batch, concerned: Concerned) -> bool:
    """Tell all triggers that a change of a product is for; tell whether the state changed."""
    digest, state, _, changed = concerned
    at, _ = log_id(changed.version)
    now = max(batch.clock, at)
    in_force, reach = batch.rules.triggers, state.reach
    note_reach(state, in_force, now)
    is_changed = state.reach != reach
    for rule in in_force.products:
        trigger, wait = rule.trigger, state.waits.get(rule.name)
        if not isinstance(trigger, ProductTrigger) or not is_reached(state, rule):
            continue
        if is_for(trigger, concerned, at - rule.window_ms):
            about = About(at, changed.change.product_id, _facts(concerned))
            tell(batch, digest, state, rule, about, now)
            is_changed = True
        elif (
            wait is not None
            and is_undone(trigger, changed.change)
            and withdraw(wait, changed.change.product_id)
        ):
            is_changed = True
            if not wait.about:
                batch.count("trigger", Verdict.GONE)
    return is_changed


def matters(in_force: InForce, change: ProductChange) -> bool:
    """Tell whether a change is what a trigger waits for, or may undo what one holds."""
    return any(
        isinstance(rule.trigger, ProductTrigger)
        and (
            _is_told(rule.trigger, change)
            or (rule.quiet == "hold" and is_undone(rule.trigger, change))
        )
        for rule in in_force.products
    )


def is_for(trigger: ProductTrigger, concerned: Concerned, since: int) -> bool:
    """Tell whether a change is what a trigger waits for, of what was watched since (ms)."""
    watch = concerned.watch
    times = {"viewed": watch.viewed_at, "carted": watch.carted_at}
    if max(times[kind] for kind in trigger.watched) < max(since, 0):
        return False
    return _is_told(trigger, concerned.changed.change)


def is_undone(trigger: ProductTrigger, change: ProductChange) -> bool:
    """Tell whether what a trigger may have held of a product is not so any more."""
    if trigger.change == "price_drop":
        return change.is_dearer() or change.is_sold_out()
    if trigger.change == "back_in_stock":
        return change.is_sold_out()
    has_more = change.stock is None or change.stock > trigger.pieces
    return change.is_sold_out() or (has_more and change.stock != change.old_stock)


def _is_told(trigger: ProductTrigger, change: ProductChange) -> bool:
    if trigger.change == "price_drop":
        return change.price_drop() > 0.0 and change.price_drop() >= trigger.by
    if trigger.change == "back_in_stock":
        return change.is_back_in_stock()
    return change.is_low_on_stock(trigger.pieces)


def _facts(concerned: Concerned) -> Facts:
    change = concerned.changed.change
    told = {"price": change.price, "old_price": change.old_price, "stock": change.stock}
    return {name: value for name, value in told.items() if value is not None}

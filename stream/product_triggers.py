"""Which triggers a changed product sets off, for a customer whom it concerns. Pure."""

from config.log_ids import log_id
from config.triggers import ProductTrigger
from online_models.users import About
from stream.batch import Batch
from stream.trigger_facts import Facts
from stream.triggering import tell
from stream.waits import is_reached, note_reach
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
        trigger = rule.trigger
        if (
            isinstance(trigger, ProductTrigger)
            and is_reached(state, rule)
            and is_for(trigger, concerned, at - rule.window_ms)
        ):
            about = About(at, changed.change.product_id, _facts(concerned))
            tell(batch, digest, state, rule, about, now)
            is_changed = True
    return is_changed


def is_for(trigger: ProductTrigger, concerned: Concerned, since: int) -> bool:
    """Tell whether a change is what a trigger waits for, of what was watched since (ms)."""
    change, watch = concerned.changed.change, concerned.watch
    times = {"viewed": watch.viewed_at, "carted": watch.carted_at}
    if max(times[kind] for kind in trigger.watched) < max(since, 0):
        return False
    if trigger.change == "price_drop":
        return change.price_drop() > 0.0 and change.price_drop() >= trigger.by
    if trigger.change == "back_in_stock":
        return change.is_back_in_stock()
    return change.is_low_on_stock(trigger.pieces)


def _facts(concerned: Concerned) -> Facts:
    change = concerned.changed.change
    told = {"price": change.price, "old_price": change.old_price, "stock": change.stock}
    return {name: value for name, value in told.items() if value is not None}

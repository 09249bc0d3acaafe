"""What came of choices: rewards, conversions, and what offers gave away. Pure.

It is worked out anew from the set of what is known (``order_history`` for one), so the order of
arrival does not matter where no bound is hit. A choice is taught once, when its last window is over
by the shard's clock, or with the click it was made for; it then stays, without its features, for
what it still explains: conversions, and what was given.

Goals: of ``click`` the example tells no orders, since their window is not over yet. A choice that
shows something and was never seen teaches nothing: who did not see it did not refuse it.
"""

from datetime import UTC, datetime
from math import fsum

import msgspec

from config.commerce import Name
from config.durations import HOUR_MS, MINUTE_MS
from config.examples import Example, Exposed, Rewarded
from online_models.budgets import given_by
from online_models.packing import unpack
from online_models.users import MAX_OPEN_DECISIONS, OpenDecision, UserState
from stream.attribution import order_of
from stream.contacts import contact_with, earliest_of
from stream.exposures import Told, changes_since, discount_of, figures_of, given_rate

SETTLING = frozenset(
    {
        Name.PROMOTION_VIEWED,
        Name.PROMOTION_CLICKED,
        Name.PROMOTION_DISMISSED,
        Name.PRODUCT_CLICKED,
        Name.ORDER_COMPLETED,
    }
)  # events after which choices and exposures may have come to something else
JOIN_MS = HOUR_MS  # for so long events wait for the entry of their decision
UNSEEN_MS = MINUTE_MS  # older than that, what was not seen makes room first


def settle(state: UserState, before: Told, at: int) -> list[Example]:
    """Work out what came of all open choices, in place; return what is new to be taught.

    ``before`` is what was told of the exposures so far, ``at`` dates the changes (ms).
    """
    examples: list[Example] = []
    for decision in state.open_decisions:
        given = _attribute(state, decision, at)
        if given is not None:
            examples.append(given)
        # A click whose impression is still to come waits for it, to be dated by it.
        is_dated = decision.shown_at >= 0 or not decision.choice.shows
        if decision.choice.goal == "click" and is_dated and _is_clicked(decision):
            examples += _teach(decision)
    for decision in _take_surplus(state):
        examples += _teach(decision)
    for exposure in state.exposures:
        exposure.is_clicked = exposure.is_clicked or state.clicked_at >= exposure.exposed_at
    return examples + changes_since(before, figures_of(state.exposures), at)


def close_due(state: UserState, clock: int) -> list[Example]:
    """Teach and let go of the choices whose windows are over by the clock, in place."""
    examples: list[Example] = []
    for decision in state.open_decisions:
        if _due_at(decision) <= clock:
            examples += _teach(decision)
    state.open_decisions = [d for d in state.open_decisions if _due_at(d) > clock]
    return examples


def due_at(decisions: list[OpenDecision]) -> int:
    """Return when (ms, by the shard's clock) the next window of these choices is over."""
    return min(map(_due_at, decisions))


def _begun_at(decision: OpenDecision) -> int:
    """Return when the windows of a choice begin, -1 while it was not seen.

    A click stands in for an impression that does not come.
    """
    if decision.decided_at < 0:
        return -1
    if not decision.choice.shows:
        return decision.decided_at
    return decision.shown_at if decision.shown_at >= 0 else decision.clicked_at


def _is_clicked(decision: OpenDecision) -> bool:
    begun_at = _begun_at(decision)
    return begun_at >= 0 <= decision.clicked_at <= begun_at + decision.choice.click_ms


def _attribute(state: UserState, decision: OpenDecision, at: int) -> Exposed | None:
    """Work out the orders within the window; return the change of what an offer gave away."""
    begun_at = _begun_at(decision)
    if begun_at < 0:
        return None
    choice = decision.choice
    until = begun_at + choice.order_ms
    orders = [order for order in state.order_history if begun_at <= order.at <= until]
    if orders and choice.shows and decision.shown_at >= 0:
        contact = contact_with(state, choice.campaign)
        contact.converted_at = earliest_of(contact.converted_at, orders[-1].at)
    revenue = fsum(order.revenue for order in orders)
    n_more, before = len(orders) - decision.n_orders, discount_of(decision)
    decision.n_orders, decision.revenue = len(orders), revenue
    change = discount_of(decision) - before
    if not given_rate(choice) or not (n_more or change):
        return None
    for exposure in state.exposures:
        if decision.decided_at >= exposure.exposed_at:
            exposure.given += change
    day = datetime.fromtimestamp(decision.decided_at / 1000, UTC).date().isoformat()
    return Exposed(given_by(choice.campaign), day, at, orders=n_more, revenue=change)


def _due_at(decision: OpenDecision) -> int:
    """Return when (ms, by the shard's clock) something of a choice is over.

    From when it came in, not from when it happened: what was held up with it may still come.
    """
    choice = decision.choice
    if decision.decided_at < 0:
        wait = JOIN_MS
    elif decision.is_taught or _begun_at(decision) < 0:
        wait = max(choice.click_ms, choice.order_ms)
    else:
        wait = choice.click_ms if choice.goal == "click" else choice.order_ms
    return decision.received_at + wait + 1


def _take_surplus(state: UserState) -> list[OpenDecision]:
    """Take out, in place, what is too many: the taught and the unseen first, then the oldest."""
    decisions = state.open_decisions
    n_surplus = len(decisions) - MAX_OPEN_DECISIONS
    if n_surplus <= 0:
        return []
    fresh = max(decision.received_at for decision in decisions) - UNSEEN_MS

    def worth(decision: OpenDecision) -> tuple[bool, int, str, str]:
        is_seen = _begun_at(decision) >= 0 or decision.received_at >= fresh
        return (is_seen and not decision.is_taught, decision.received_at, *order_of(decision))

    surplus = sorted(decisions, key=worth)[:n_surplus]
    for decision in surplus:
        decisions.remove(decision)
    return surplus


def _teach(decision: OpenDecision) -> list[Rewarded]:
    """Return what a choice teaches, once; nothing where it was not seen."""
    begun_at, choice = _begun_at(decision), decision.choice
    if decision.is_taught or begun_at < 0:
        return []
    is_of_orders = choice.goal != "click"
    revenue = decision.revenue if is_of_orders else 0.0
    example = Rewarded(
        policy=choice.policy,
        goal=choice.goal,
        placement=choice.placement,
        campaign=choice.campaign,
        variation=choice.variation,
        probability=choice.probability,
        features=unpack(decision.features),
        is_holdout=choice.is_holdout,
        shown_at=begun_at,
        is_clicked=_is_clicked(decision),
        n_orders=decision.n_orders if is_of_orders else 0,
        revenue=revenue,
        margin=revenue * (choice.margin_rate - given_rate(choice)),
        arms=choice.arms,
    )
    decision.is_taught, decision.features = True, b""
    decision.choice = msgspec.structs.replace(choice, arms=[])
    return [example]

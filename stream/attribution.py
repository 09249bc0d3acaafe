"""Joins what was decided for a visitor with what follows: impressions, clicks, orders. Pure.

A decision's entry and the events about it may come in any order, and over several histories: half
of a pair waits for the other. What came of a choice is worked out anew from the set of what is
known (``order_history`` for one), so order does not matter where no bound is hit. A choice is
taught once, when its last window is over by the shard's clock, or with the click it was made for;
it then stays, without its features, for what it still explains: conversions, and what was given.

Goals: of ``click`` the example tells no orders, since their window is not over yet. A choice that
shows something and was never seen teaches nothing: who did not see it did not refuse it.
"""

from datetime import UTC, datetime
from math import fsum

import msgspec

from config.commerce import Name, Promotion, as_text, read_promotion
from config.durations import HOUR_MS, MINUTE_MS
from config.events import CampaignChoice, Decided, Event
from config.examples import Example, Exposed, Rewarded
from online_models.budgets import given_by
from online_models.packing import pack, unpack
from online_models.users import MAX_OPEN_DECISIONS, OpenDecision, UserState
from stream.contacts import (
    add_impression,
    contact_with,
    earliest_of,
    join_contacts,
    remove_impression,
)
from stream.exposures import (
    Told,
    changes_since,
    discount_of,
    expose,
    figures_of,
    given_rate,
    join_exposures,
)

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
WEB = "web"


def take_decided(state: UserState, decided: Decided, received_at: int) -> None:
    """Take in what was decided, in place. ``received_at`` is the shard's clock."""
    for choice in decided.choices:
        decision = _decision(state, decided.decision_id, choice.placement, received_at)
        if decision.decided_at >= 0:
            continue
        if decision.shown_at >= 0:
            remove_impression(state, decision.choice.campaign, _impression(decision))
            campaign = choice.campaign or decision.choice.campaign
            add_impression(state, campaign, (decision.shown_at, decided.channel))
        decision.decided_at = decided.received_at
        decision.choice = msgspec.structs.replace(choice, features=[])
        decision.features = pack(choice.features)
        decision.channel = decided.channel
        decision.received_at = max(decision.received_at, received_at)
    expose(state, decided)


def take_promotion(state: UserState, event: Event) -> None:
    """Take in what a visitor did with a promotion, in place."""
    promotion = read_promotion(event.properties)
    if promotion is None:
        return
    at = event.occurred_at
    if event.name == Name.PROMOTION_VIEWED:
        _see(state, promotion, at)
        return
    contact = contact_with(state, promotion.campaign)
    if event.name == Name.PROMOTION_DISMISSED:
        contact.dismissed_at = max(contact.dismissed_at, at)
        return
    contact.clicked_at = max(contact.clicked_at, at)
    if promotion.decision_id is not None:
        _click(state, promotion.decision_id, promotion.placement, at)


def take_product_click(state: UserState, event: Event) -> None:
    """Take in a click on a product that a decision showed, in place: ``list_id`` says where."""
    decision_id = as_text(event.properties.get("decision_id"))
    placement = as_text(event.properties.get("list_id"))
    if decision_id is not None:
        _click(state, decision_id, placement, event.occurred_at)


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


def join_reactions(known: UserState, other: UserState) -> None:
    """Join another history's decisions, contacts and exposures, in place; orders come after."""
    join_exposures(known, other)
    join_contacts(known, other.contacts)
    known.clicked_at = max(known.clicked_at, other.clicked_at)
    for decision in other.open_decisions:
        twin = _find(known, decision.decision_id, decision.choice.placement)
        if twin is None:
            known.open_decisions.append(decision)
        else:
            known.open_decisions.remove(twin)
            known.open_decisions.append(_joined(known, twin, decision))
    known.open_decisions.sort(key=_order)


def forget_undecided(state: UserState) -> None:
    """Let go of all that would still be taught, in place: the visitor refused."""
    state.open_decisions, state.exposures = [], []
    for session in state.open_sessions:
        session.moments = []


def _see(state: UserState, promotion: Promotion, at: int) -> None:
    if promotion.decision_id is None or promotion.placement is None:
        add_impression(state, promotion.campaign, (at, WEB))
        return
    decision = _decision(state, promotion.decision_id, promotion.placement, state.received_at)
    if not decision.choice.campaign:
        # The campaign is told by impressions alone; until the entry comes it is theirs.
        choice = msgspec.structs.replace(decision.choice, campaign=promotion.campaign)
        decision.choice = choice
    campaign = decision.choice.campaign or promotion.campaign
    if decision.shown_at < 0:
        decision.received_at = max(decision.received_at, state.received_at)
    elif decision.shown_at <= at:
        return
    else:
        remove_impression(state, campaign, _impression(decision))
    decision.shown_at = at
    add_impression(state, campaign, _impression(decision))


def _click(state: UserState, decision_id: str, placement: str | None, at: int) -> None:
    state.clicked_at = max(state.clicked_at, at)
    if placement is not None:
        decision = _decision(state, decision_id, placement, state.received_at)
        decision.clicked_at = earliest_of(decision.clicked_at, at)
        if decision.shown_at < 0:  # it stands in for the impression: the windows begin with it
            decision.received_at = max(decision.received_at, state.received_at)


def _decision(state: UserState, decision_id: str, placement: str, received_at: int) -> OpenDecision:
    """Return an open decision; one that is not known yet waits for its entry."""
    decision = _find(state, decision_id, placement)
    if decision is None:
        choice = CampaignChoice(placement, campaign="", variation="")
        decision = OpenDecision(decision_id, -1, choice, received_at=received_at)
        state.open_decisions.append(decision)
        state.open_decisions.sort(key=_order)
    return decision


def _find(state: UserState, decision_id: str, placement: str) -> OpenDecision | None:
    for decision in state.open_decisions:
        if decision.decision_id == decision_id and decision.choice.placement == placement:
            return decision
    return None


def _order(decision: OpenDecision) -> tuple[str, str]:
    return (decision.decision_id, decision.choice.placement)


def _impression(decision: OpenDecision) -> tuple[int, str]:
    return (decision.shown_at, decision.channel)


def _joined(state: UserState, mine: OpenDecision, theirs: OpenDecision) -> OpenDecision:
    """Return one decision of what two histories know of it; its impression counts once."""
    known, other = (mine, theirs) if mine.decided_at >= 0 else (theirs, mine)
    shown_at = earliest_of(known.shown_at, other.shown_at)
    for one in (known, other):
        if one.shown_at >= 0:
            remove_impression(state, one.choice.campaign, _impression(one))
    known.shown_at = shown_at
    if not known.choice.campaign:
        known.choice = msgspec.structs.replace(known.choice, campaign=other.choice.campaign)
    if shown_at >= 0:
        add_impression(state, known.choice.campaign, _impression(known))
    known.clicked_at = earliest_of(known.clicked_at, other.clicked_at)
    known.received_at = max(known.received_at, other.received_at)
    known.is_taught = known.is_taught or other.is_taught
    return known


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
        return (is_seen and not decision.is_taught, decision.received_at, *_order(decision))

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

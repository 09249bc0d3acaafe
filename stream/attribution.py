"""Joins what was decided for a visitor with what follows: impressions, clicks, orders. Pure.

A decision's entry and the events about it may come in any order, and over several histories: half
of a pair waits for the other. What came of the choices is the business of ``rewards.py``.
"""

import msgspec

from config.commerce import Name, Promotion, as_text, read_promotion
from config.events import CampaignChoice, Decided, Event
from online_models.packing import pack
from online_models.users import OpenDecision, UserState
from stream.contacts import (
    add_impression,
    contact_with,
    earliest_of,
    join_contacts,
    remove_impression,
)
from stream.exposures import expose, join_exposures

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
    known.open_decisions.sort(key=order_of)


def forget_undecided(state: UserState) -> None:
    """Let go of all that would still be taught, in place: the visitor refused."""
    state.open_decisions, state.exposures = [], []
    for session in state.open_sessions:
        session.moments = []


def order_of(decision: OpenDecision) -> tuple[str, str]:
    """Return what open decisions are sorted by."""
    return (decision.decision_id, decision.choice.placement)


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
        state.open_decisions.sort(key=order_of)
    return decision


def _find(state: UserState, decision_id: str, placement: str) -> OpenDecision | None:
    for decision in state.open_decisions:
        if decision.decision_id == decision_id and decision.choice.placement == placement:
            return decision
    return None


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

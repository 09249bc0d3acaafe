"""What an event says of whoever sent it: identity, traits, place, device, and what led here. Pure.

A state changes in place. What shoppers do with products is the business of ``profiles.py``.
"""

from typing import Any

from config.commerce import as_text
from config.events import Event
from online_models.bounded import earliest, latest, remember, take_latest
from online_models.users import MAX_ANONYMOUS_IDS, MAX_TRAITS, Session, UserState


def take_identity(state: UserState, event: Event) -> None:
    """Take in who it is: ids, traits, group."""
    if event.user_id is not None:
        state.user_id = event.user_id
    for anonymous_id in (event.anonymous_id, event.previous_id):
        if anonymous_id is not None:
            remember(state.anonymous_ids, event.occurred_at, anonymous_id, MAX_ANONYMOUS_IDS)
    for name, value in event.traits.items():
        _take_trait(state, name, event.occurred_at, value)
    if event.group_id is not None:
        take_latest(state.traits, "group", event.occurred_at, event.group_id, MAX_TRAITS)


def take_context(state: UserState, session: Session, event: Event) -> None:
    """Take in where and how an event came about: place, device, language, what led here."""
    context, at = event.context, event.occurred_at
    for name in ("locale", "timezone"):
        if name in context:
            _take_fact(state, name, at, context[name])
    location, device = context.get("location"), context.get("device")
    if isinstance(location, dict):
        _take_fact(state, "city", at, location.get("city"))
        _take_fact(state, "country", at, location.get("country"))
    if isinstance(device, dict) and (kind := as_text(device.get("type"))) is not None:
        _take_fact(state, "device", at, kind)
        session.device = latest(session.device, (at, kind))
    if context.get("consent") is True:
        state.consent = latest(state.consent, (at, True))
    if isinstance(said := context.get("marketing"), bool):
        state.marketing = latest(state.marketing, (at, said))
    _take_origin(session, context, at)


def take_page(session: Session, event: Event) -> None:
    """Take in a page; the first one of a session is its landing page."""
    session.n_pages += 1
    path = as_text(event.properties.get("path")) or event.name
    if path:
        session.landing_page = earliest(session.landing_page, (event.occurred_at, path[:256]))


def _take_trait(state: UserState, name: str, at: int, value: object) -> None:
    """Keep short plain values; of an address its city and country."""
    if name == "address" and isinstance(value, dict):
        for part in ("city", "country"):
            if (text := as_text(value.get(part))) is not None:
                take_latest(state.traits, part, at, text, MAX_TRAITS)
    elif isinstance(value, bool | int | float):
        take_latest(state.traits, name[:64], at, value, MAX_TRAITS)
    elif (text := as_text(value)) is not None:
        take_latest(state.traits, name[:64], at, text, MAX_TRAITS)


def _take_fact(state: UserState, name: str, at: int, value: object) -> None:
    if (text := as_text(value)) is not None:
        take_latest(state.context, name, at, text, MAX_TRAITS)


def _take_origin(session: Session, context: dict[str, Any], at: int) -> None:
    page, referrer, campaign = context.get("page"), context.get("referrer"), context.get("campaign")
    if isinstance(page, dict):
        if (text := as_text(page.get("referrer"))) is not None:
            session.referrer = earliest(session.referrer, (at, text))
        if (text := as_text(page.get("path"))) is not None:
            session.landing_page = earliest(session.landing_page, (at, text))
    if isinstance(referrer, dict) and (text := as_text(referrer.get("url"))) is not None:
        session.referrer = earliest(session.referrer, (at, text))
    if isinstance(campaign, dict):
        parts = (as_text(campaign.get(name)) for name in ("source", "medium", "name"))
        if text := " / ".join(part for part in parts if part):
            session.campaign = earliest(session.campaign, (at, text))

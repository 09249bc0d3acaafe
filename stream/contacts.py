"""What a visitor had to do with each campaign: impressions, the last click and dismissal. Pure.

Frequency caps are counted here, by the campaign's name alone, so that they hold also where the
decision is not known yet. One decision is one impression in a placement, however often it is told.
"""

from collections.abc import Iterable

from online_models.users import MAX_CONTACT_TIMES, MAX_CONTACTS, Contact, Dated, UserState


def contact_with(state: UserState, campaign: str) -> Contact:
    """Return the contact with a campaign; where it is a new one too many, the stalest goes."""
    for contact in state.contacts:
        if contact.campaign == campaign:
            return contact
    if len(state.contacts) >= MAX_CONTACTS:
        state.contacts.remove(min(state.contacts, key=_last_at))
    contact = Contact(campaign)
    state.contacts.append(contact)
    return contact


def add_impression(state: UserState, campaign: str, shown: Dated) -> None:
    """Count an impression."""
    contact = contact_with(state, campaign)
    contact.shown = _latest([*contact.shown, shown])


def remove_impression(state: UserState, campaign: str, shown: Dated) -> None:
    """Take an impression back, where it is kept."""
    for contact in state.contacts:
        if contact.campaign == campaign and shown in contact.shown:
            contact.shown.remove(shown)
            if _last_at(contact)[0] < 0:
                state.contacts.remove(contact)
            return


def join_contacts(state: UserState, others: Iterable[Contact]) -> None:
    """Join the contacts of another history."""
    for other in others:
        contact = contact_with(state, other.campaign)
        contact.shown = _latest([*contact.shown, *other.shown])
        contact.clicked_at = max(contact.clicked_at, other.clicked_at)
        contact.dismissed_at = max(contact.dismissed_at, other.dismissed_at)
        contact.converted_at = earliest_of(contact.converted_at, other.converted_at)
    state.contacts.sort(key=_last_at, reverse=True)


def earliest_of(first: int, second: int) -> int:
    """Return the earlier of two times (ms), -1 being none.

    >>> earliest_of(5, -1), earliest_of(5, 3)
    (5, 3)
    """
    return max(first, second) if min(first, second) < 0 else min(first, second)


def _latest(shown: list[Dated]) -> list[Dated]:
    return sorted(shown, reverse=True)[:MAX_CONTACT_TIMES]


def _last_at(contact: Contact) -> tuple[int, str]:
    shown_at = contact.shown[0][0] if contact.shown else -1
    times = (shown_at, contact.clicked_at, contact.dismissed_at, contact.converted_at)
    return max(times), contact.campaign

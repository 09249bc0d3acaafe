"""Pure: whether a visitor lets us personalize, from the consent that travels with each event."""

from collections.abc import Mapping
from typing import Any

MARKETING = "marketing"  # the category of consent to being spoken to


def said_of_consent(context: Mapping[str, Any], category: str) -> bool | None:
    """Return what ``context.consent.categoryPreferences`` says of ``category``, in any case.

    ``context.consent`` may also say yes to everything, by being true. None: not a word. Whatever
    else stands there and cannot be read counts as refused: a doubtful yes is a no.

    >>> said_of_consent({"consent": {"categoryPreferences": {"Ads": False}}}, "ads")
    False
    """
    consent = context.get("consent")
    if consent is None or consent is True:
        return consent
    if not isinstance(consent, dict):
        return False
    preferences = consent.get("categoryPreferences")
    if preferences is None:
        return None
    if not isinstance(preferences, dict):
        return False
    wanted = category.casefold()
    said = [v for k, v in preferences.items() if k.casefold() == wanted and v is not None]
    return all(value is True for value in said) if said else None

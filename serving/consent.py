"""Pure: whether a visitor lets us personalize, from the consent that travels with each event."""

from collections.abc import Mapping
from typing import Any


def said_of_consent(context: Mapping[str, Any], category: str) -> bool | None:
    """Return what ``context.consent.categoryPreferences`` says of ``category``, in any case.

    None: not a word. What is neither true nor absent counts as refused: a doubtful yes is a no.

    >>> said_of_consent({"consent": {"categoryPreferences": {"Ads": False}}}, "ads")
    False
    """
    consent = context.get("consent")
    preferences = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    if not isinstance(preferences, dict):
        return None
    wanted = category.casefold()
    said = [v for k, v in preferences.items() if k.casefold() == wanted and v is not None]
    return all(value is True for value in said) if said else None

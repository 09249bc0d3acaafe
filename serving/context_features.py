"""Pure: what policies know of a request (``online_models/contexts.py``)."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

from online_models.contexts import RequestFacts, context_vector
from serving.view import View

_TOLD_APART = frozenset(("device", "locale", "trigger", "channel", "consent"))
_FRIDAY = 4


def context_features(view: View, time_zone: str) -> list[float]:
    """Return the numbers that policies choose and learn by; the hour is that of the time zone."""
    page, context = view.request.page, view.context
    there = datetime.fromtimestamp(view.now / 1000, UTC).astimezone(_zone(time_zone))
    facts = RequestFacts(
        device=str(context.get("device", "")),
        hour=there.hour + there.minute / 60,
        is_weekend=there.weekday() > _FRIDAY,
        page_type=(page.type or "") if page is not None else "",
        page_category=view.page_category or "",
        cart_value=view.cart.value,
        n_cart_lines=len(view.cart.lines),
        trigger=str(context.get("trigger", "")),
        shop={name: value for name, value in context.items() if name not in _TOLD_APART},
    )
    return context_vector(view.user, view.now, facts)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)

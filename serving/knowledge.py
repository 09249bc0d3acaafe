"""Pure: what conditions read of the page, and of what the shop's page tells."""

from online_models.users import UserState
from online_models.visitors import said
from serving.schemas import Request


def page_values(request: Request) -> dict[str, object]:
    """Return ``page``; null where the request does not say."""
    page = request.page
    return {
        "type": None if page is None else page.type,
        "product_id": request.page_product(),
        "category": None if page is None else page.category,
    }


def context_values(request: Request, user: UserState | None) -> dict[str, object]:
    """Return ``context``: all that the page tells; device, locale and city also from events."""
    told = {name: said(user, name) for name in ("device", "locale", "city")}
    return {**told, "trigger": "", "channel": request.channel(), **request.facts()}

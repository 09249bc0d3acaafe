"""Pure: what a variation says to this visitor: in the visitor's language, fields filled in."""

from collections.abc import Callable
from urllib.parse import quote

from config.campaigns import Campaign, Variation
from config.content_texts import MAX_VALUE, fill
from config.placements import Content
from serving.view import View

_ADDRESSES = ("image", "link")  # a name in them must not be read as more of the address
_FIRST_NAMES = ("firstName", "first_name")


def content_for(variation: Variation, view: View) -> Content:
    """Return a variation's content for the visitor of a request."""
    known = _known(view)

    def quoted(name: str) -> str:
        return quote(known(name), safe="")

    return Content(
        **{
            field: fill(text, quoted if field in _ADDRESSES else known)
            for field, text in variation.texts(view.locale).items()
        }
    )


def reason_of(campaign: Campaign, view: View) -> str:
    """Return why a campaign is shown, as the shop says it to shoppers; "" where it says nothing."""
    return fill(campaign.reason, _known(view)) if campaign.reason else ""


def _known(view: View) -> Callable[[str], str]:
    def known(name: str) -> str:
        value = _VALUES[name](view)
        return "".join(letter for letter in value if letter.isprintable()).strip()[:MAX_VALUE]

    return known


def _first_name(view: View) -> str:
    # With a browser's id alone nobody vouches that the customer is the one who looks.
    if view.user is None or not view.visitor.may_be_named:
        return ""
    for name in _FIRST_NAMES:
        kept = view.user.traits.get(name)
        if kept is not None and isinstance(kept[1], str):
            return kept[1]
    return ""


def _last_viewed(view: View) -> str:
    item = view.shelf.item(view.viewed[0]) if view.viewed else None
    return "" if item is None else item.name


_VALUES: dict[str, Callable[[View], str]] = {
    "first_name": _first_name,
    "city": lambda view: str(view.context.get("city", "")),
    "favourite_category": lambda view: view.category or "",
    "favourite_brand": lambda view: view.brand or "",
    "focus_category": lambda view: view.focus,
    "page_category": lambda view: view.page_category or "",
    "last_viewed": _last_viewed,
    "cart_value": lambda view: f"{view.cart.value:.2f}" if view.cart.lines else "",
}

"""What was shown to a visitor who then turned to something else. Bounded, pure, in place.

Like the rest of a user's state a function of the *set* of events: an impression counts unless the
visitor clicked or viewed the product at that time or later, whichever event comes in first.
"""

from collections.abc import Iterable, Sequence

from config.commerce import MAX_IMPRESSIONS
from online_models.users import MAX_SHOWN, Dated, Shown


def note_shown(
    shown: list[Shown], products: Iterable[str], at: int, viewed: Sequence[Dated]
) -> None:
    """Take in that products were shown at a time; ``viewed`` are the visitor's views so far.

    >>> shown: list[Shown] = []
    >>> note_shown(shown, ["hat", "boots"], 7, viewed=[(9, "boots")])
    >>> shown
    [Shown(product_id='hat', times=[7], cleared_at=-1)]
    """
    known = {one.product_id: one for one in shown}
    views = {name: seen_at for seen_at, name in viewed}
    for product_id in dict.fromkeys(products):
        one = known.get(product_id)
        if one is None:
            one = known[product_id] = Shown(product_id, [], views.get(product_id, -1))
        if at > one.cleared_at and at not in one.times:
            one.times = sorted((*one.times, at), reverse=True)[:MAX_IMPRESSIONS]
    _keep(shown, known.values(), views)


def note_turned_to(shown: list[Shown], product_id: str, at: int, viewed: Sequence[Dated]) -> None:
    """Take in that the visitor clicked or viewed a product: what was shown until then, worked."""
    known = {one.product_id: one for one in shown}
    views = {name: seen_at for seen_at, name in viewed}
    if product_id not in known:
        if views.get(product_id, -1) >= at:
            return  # the view tells it already
        known[product_id] = Shown(product_id, [])
    _clear(known[product_id], max(at, views.get(product_id, -1)))
    _keep(shown, known.values(), views)


def join_shown(shown: list[Shown], other: Iterable[Shown], viewed: Sequence[Dated]) -> None:
    """Join another history's impressions; ``viewed`` are the views of both."""
    known = {one.product_id: one for one in shown}
    views = {name: seen_at for seen_at, name in viewed}
    for more in other:
        one = known.setdefault(more.product_id, Shown(more.product_id, []))
        one.times = sorted({*one.times, *more.times}, reverse=True)[:MAX_IMPRESSIONS]
        one.cleared_at = max(one.cleared_at, more.cleared_at)
    for product_id, one in known.items():
        _clear(one, max(one.cleared_at, views.get(product_id, -1)))
    _keep(shown, known.values(), views)


def ignored(shown: Iterable[Shown], n_times: int, since: int) -> set[str]:
    """Return what was shown so often without being turned to, the last time after ``since``."""
    return {one.product_id for one in shown if len(one.times) >= n_times and one.times[0] > since}


def _clear(one: Shown, at: int) -> None:
    one.cleared_at = max(one.cleared_at, at)
    one.times = [time for time in one.times if time > one.cleared_at]


def _keep(shown: list[Shown], all_known: Iterable[Shown], views: dict[str, int]) -> None:
    """Keep the latest; one without impressions only where no view tells the same."""
    telling = [
        one for one in all_known if one.times or one.cleared_at > views.get(one.product_id, -1)
    ]
    telling.sort(key=_latest_first)
    shown[:] = telling[:MAX_SHOWN]


def _latest_first(one: Shown) -> tuple[int, str]:
    return (
        (-max(one.cleared_at, *one.times), one.product_id)
        if one.times
        else (
            -one.cleared_at,
            one.product_id,
        )
    )

"""Pure: where the products of a placement come from: each strategy's candidates, best first."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count

from config.placements import Strategy
from online_models.purchases import due_again
from serving.choices import Allowed, Candidate, Suggested
from serving.reasons import Why
from serving.view import View

MAX_LIKED = 3  # categories that for-you fills up with


def candidates(strategy: Strategy, view: View, allowed: Allowed) -> Iterable[Candidate]:
    """Return the candidates of a strategy, as many as there are slots in the request, or more.

    Not all of them need be allowed: those that no model ranked are for the caller to look at.
    """
    return _STRATEGIES[strategy](view, allowed)


def whole_catalog(view: View, for_sale: Iterable[str]) -> Iterator[Candidate]:
    """Yield what fills a slate at last: the newest that fit, the newest, then all."""
    if view.fitting_category is not None:
        yield from _ranked(view.shelf.newest(view.fitting_category), Why.IN_SHOP)
    yield from _ranked(view.shelf.newest(), Why.IN_SHOP)
    yield from _ranked(for_sale, Why.IN_SHOP)


def _next_best(view: View, allowed: Allowed) -> Iterable[Candidate]:
    if not view.viewed:
        return ()
    model, viewed, session = view.model, view.visited, view.session

    def following(most: int) -> Sequence[Suggested]:
        # Visitors often turn again to what they viewed in this visit, but are there already.
        return model.next_best(viewed, _but_not(allowed, viewed[:1]), most, session)

    found = view.ask("next-best", allowed, following)
    return _suggested(found, Why.AFTER) if found else _again(viewed)


def _similar(view: View, allowed: Allowed) -> Iterable[Candidate]:
    if not view.viewed:
        return ()
    model, product = view.model, view.viewed[0]
    found = view.ask("similar", allowed, lambda most: model.similar(product, allowed, most))
    return _suggested(found, Why.SIMILAR)


def _bought_together(view: View, allowed: Allowed) -> Iterable[Candidate]:
    if not view.viewed:
        return ()
    model, product = view.model, view.viewed[0]
    found = view.ask(
        "bought-together", allowed, lambda most: model.bought_with([product], allowed, most)
    )
    return _suggested(found, Why.BOUGHT_WITH)


def _cart_cross_sell(view: View, allowed: Allowed) -> Iterable[Candidate]:
    """Yield what goes with the cart: nothing of a category that lies in it already."""
    in_cart, model = list(view.cart.lines), view.model
    if not in_cart:
        return ()
    has, category_of = view.cart.categories, view.category_of

    def goes(product_id: str) -> bool:
        return allowed(product_id) and category_of(product_id) not in has

    found = view.ask(
        "cart-cross-sell", allowed, lambda most: model.bought_with(in_cart, goes, most)
    )
    return _suggested(found, Why.GOES_WITH)


def _for_you(view: View, allowed: Allowed) -> Iterable[Candidate]:
    """Return what follows from the whole history, more of it where the visitor's liking lies."""
    history, model = view.history, view.model
    if not history:
        return ()
    session = view.session

    def following(most: int) -> Sequence[Suggested]:
        return model.next_best(history, _but_not(allowed, history), most, session)

    found = view.ask("for-you", allowed, following)
    categories, brands = view.affinities
    n_wanted = view.n_wanted("for-you")
    scored = []
    for one in found:
        item = view.shelf.item(one.product_id)
        liking = 0.0
        if item is not None:
            liking = categories.get(item.category or "", 0.0) + brands.get(item.brand or "", 0.0)
        # Half for what it follows from, a quarter for each of category and brand.
        score = one.score * (0.5 + 0.25 * liking)
        scored.append(Candidate(one.product_id, score, Why.LOOKED_AT, one.because))
    for category in sorted(categories, key=lambda name: (-categories[name], name))[:MAX_LIKED]:
        scale = 0.25 * categories[category]
        liked = (name for name in view.model.popular(category) if allowed(name))
        for rank, product_id in zip(range(n_wanted), liked, strict=False):
            score = scale / (rank + 2)
            scored.append(Candidate(product_id, score, Why.LIKED, category))
    return sorted(scored, key=_by_score)


def _trending(view: View, allowed: Allowed) -> Iterator[Candidate]:
    category = view.fitting_category
    if category is not None:
        yield from _ranked(view.model.popular(category), Why.POPULAR_IN, category)
    yield from _ranked(view.model.popular(), Why.POPULAR)


def _recently_viewed(view: View, allowed: Allowed) -> Iterable[Candidate]:
    return _ranked(view.viewed, Why.VIEWED)


def _buy_again(view: View, allowed: Allowed) -> Iterable[Candidate]:
    due = due_again(view.user, view.now) if view.user is not None else []
    return [
        Candidate(
            one.product_id,
            1.0 / (rank + 1),
            Why.REGULAR if one.n_bought > 1 else Why.BOUGHT,
        )
        for rank, one in enumerate(due)
    ]


def _new_arrivals(view: View, allowed: Allowed) -> Iterator[Candidate]:
    """Yield the newest of the page's category, else of the shop."""
    if view.page_category is not None:
        category = view.page_category
        yield from _ranked(view.shelf.newest(category), Why.NEW_IN, category)
    yield from _ranked(view.shelf.newest(), Why.NEW)


def _again(viewed: Iterable[str]) -> Iterator[Candidate]:
    """Yield what was viewed, for where nothing else follows from it: most come back to it."""
    for rank, product_id in enumerate(viewed, start=2):
        yield Candidate(product_id, 0.01 / rank, Why.VIEWED, product_id)


def _but_not(allowed: Allowed, seen: Iterable[str]) -> Allowed:
    """Return what leaves out what was seen: visitors turn to it again, but need no hint."""
    known = frozenset(seen)
    return lambda product_id: product_id not in known and allowed(product_id)


def _suggested(found: Sequence[Suggested], why: Why) -> Iterator[Candidate]:
    return (Candidate(one.product_id, one.score, why, one.because) for one in found)


def _ranked(products: Iterable[str], why: Why, of: str | None = None) -> Iterator[Candidate]:
    # By place alone: what is twice as relevant moves from the fourth place to the second.
    return (
        Candidate(product_id, 1.0 / rank, why, of)
        for rank, product_id in zip(count(1), products, strict=False)
    )


def _by_score(candidate: Candidate) -> tuple[float, str]:
    return (-candidate.score, candidate.product_id)


_STRATEGIES: dict[Strategy, Callable[[View, Allowed], Iterable[Candidate]]] = {
    "next-best": _next_best,
    "similar": _similar,
    "bought-together": _bought_together,
    "cart-cross-sell": _cart_cross_sell,
    "for-you": _for_you,
    "trending": _trending,
    "recently-viewed": _recently_viewed,
    "buy-again": _buy_again,
    "new-arrivals": _new_arrivals,
}

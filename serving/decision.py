"""Pure: what to show in each placement. Always answers; where it knows too little, it says so."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from config.placements import Banner, Offer, Placement, Products
from online_models.bounded import cart_lines
from online_models.users import UserState
from serving.choices import (
    Choice,
    Decision,
    Fallback,
    MadeOffer,
    Model,
    Pick,
    Shelf,
    ShownBanner,
    Slate,
    Suggested,
)
from serving.eligibility import barred_products
from serving.reasons import NoOffer, Why
from serving.schemas import Request

# Nobody looked, so the visitor may be anybody: also someone whom an offer is not for.
_UNSEEN = frozenset(Fallback) - {Fallback.UNKNOWN_USER, Fallback.NO_HISTORY, Fallback.NO_TREND}


def decide(
    request: Request,
    user: UserState | None,
    model: Model,
    catalog: Shelf,
    placements: Mapping[str, Placement],
    now: int,
    missing: Fallback | None = None,
) -> Decision:
    """Return a choice for each placement that the request names, which must be known ones.

    ``now`` is in ms. ``missing`` says why there is no user; without, the user is unknown.
    """
    if user is None:
        missing = missing or Fallback.UNKNOWN_USER
    view = _View(request, user, model, catalog, now, missing)
    choices: dict[str, Choice] = {}
    for name in request.placements:
        placement = placements[name]
        if isinstance(placement, Products):
            choices[name] = _slate(placement, view)
        elif isinstance(placement, Banner):
            choices[name] = _banner(placement, view)
        else:
            choices[name] = _offer(placement, view)
    return Decision(choices, missing or _shared_fallback(choices.values()))


def _shared_fallback(choices: Iterable[Choice]) -> Fallback | None:
    reasons = [choice.fallback for choice in choices]
    return None if None in reasons or not reasons else reasons[0]


class _View:
    """What all placements of one request look at, each part worked out once, and when needed."""

    def __init__(
        self,
        request: Request,
        user: UserState | None,
        model: Model,
        catalog: Shelf,
        now: int,
        missing: Fallback | None,
    ) -> None:
        self.request = request
        self.user = user
        self.model = model
        self.catalog = catalog
        self.missing = missing
        self._now = now
        self._suggested: list[Pick] = []

    @cached_property
    def barred(self) -> set[str]:
        return barred_products(self.request, self.user, self._now)

    def suggested(self) -> Iterator[Pick]:
        """Yield what comes next after the page's product and what the visitor viewed before.

        Slots are few and candidates many, so each is looked at only when it is asked for.
        """
        place = 0
        while True:
            if place == len(self._suggested):
                found = next(self._candidates, None)
                if found is None:
                    return
                self._suggested.append(Pick(found.product_id, Why.AFTER, found.because))
            yield self._suggested[place]
            place += 1

    @cached_property
    def _candidates(self) -> Iterator[Suggested]:
        # A list: the generator would hold this view, which holds it, and only the garbage collector
        # could free them, in pauses of milliseconds.
        return iter(self.model.suggest(list(self._viewed())))

    @cached_property
    def category(self) -> str | None:
        """The category that the visitor turned to most."""
        values = self.user.categories if self.user is not None else {}
        return max(values, key=lambda name: (values[name], name)) if values else None

    @cached_property
    def cart_value(self) -> float:
        if self.request.cart is None:
            lines = cart_lines(self.user.cart) if self.user is not None else {}
            return sum(
                line.quantity * self._price(name, line.price) for name, line in lines.items()
            )
        return sum(
            line.quantity * self._price(str(line.product_id), line.price)
            for line in self.request.cart_lines()
        )

    def _price(self, product_id: str, said: float | None) -> float:
        if said is not None:
            return said
        item = self.catalog.item(product_id)
        return (item.price or 0.0) if item is not None else 0.0

    def _viewed(self) -> Iterator[str]:
        current = self.request.page_product()
        if current is not None:
            yield current
        for _, name in self.user.viewed if self.user is not None else ():
            if name != current:
                yield name


def _slate(placement: Products, view: _View) -> Slate:
    options = view.request.options
    n_slots = (options.limit if options is not None else None) or placement.slots
    slate = _Slots(n_slots, view)
    fallback: Fallback | None = None
    if placement.strategy == "next-best":
        slate.fill(view.suggested())
        if view.category is not None:
            slate.fill(_popular(view.model, view.category))
        if view.missing is not None or not slate.picks:
            fallback = view.missing or Fallback.NO_HISTORY
            slate.fill(_chosen(placement))
        slate.fill(_popular(view.model, ""))
    else:
        slate.fill(_popular(view.model, ""))
        if not slate.picks:
            fallback = Fallback.NO_TREND
        slate.fill(_chosen(placement))
    return Slate(placement.strategy, slate.picks, fallback)


class _Slots:
    """Takes products until all slots are full; none twice, none that must not be suggested."""

    def __init__(self, n_slots: int, view: _View) -> None:
        self.picks: list[Pick] = []
        self._n_slots = n_slots
        self._taken = set(view.barred)
        self._may_suggest = view.catalog.may_suggest

    def fill(self, candidates: Iterable[Pick]) -> None:
        if len(self.picks) == self._n_slots:
            return
        for pick in candidates:
            product_id = pick.product_id
            if product_id not in self._taken and self._may_suggest(product_id):
                self._taken.add(product_id)
                self.picks.append(pick)
                if len(self.picks) == self._n_slots:
                    return


def _popular(model: Model, category: str) -> Iterator[Pick]:
    why, of = (Why.POPULAR_IN, category) if category else (Why.POPULAR, None)
    return (Pick(product_id, why, of) for product_id in model.popular(category))


def _chosen(placement: Products) -> Iterator[Pick]:
    return (Pick(product_id, Why.CHOSEN) for product_id in placement.fallback)


def _banner(placement: Banner, view: _View) -> ShownBanner:
    content = placement.by_category.get(view.category) if view.category is not None else None
    if content is not None:
        return ShownBanner(content, view.category, None)
    return ShownBanner(placement.content, None, view.missing)


def _offer(placement: Offer, view: _View) -> MadeOffer:
    why_not = _why_no_offer(placement, view)
    return MadeOffer(None if why_not else placement.content, why_not, view.missing)


def _why_no_offer(placement: Offer, view: _View) -> NoOffer | None:
    context = view.request.context
    if context is None or context.trigger not in placement.triggers:
        return NoOffer.NOT_NOW
    if view.cart_value < placement.min_cart_value:
        return NoOffer.SMALL_CART
    if placement.max_orders is None:
        return None
    if view.missing in _UNSEEN:
        return NoOffer.NOBODY_KNOWS
    n_orders = view.user.orders.total if view.user is not None else 0
    return NoOffer.CUSTOMER if n_orders > placement.max_orders else None

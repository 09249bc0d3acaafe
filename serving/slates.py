"""Pure: fills the slots of a placement by its strategy, its chain of fallbacks and its rules."""

from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from config.placements import RELEVANT, Picks, Strategy
from serving.choices import Allowed, Candidate, Fallback, Pick, Slate
from serving.exploring import SeldomSeen, explore
from serving.reasons import Why
from serving.rules import Factor, SlateRules
from serving.strategies import candidates, whole_catalog
from serving.view import View

MAX_LOOKS = 2_000  # candidates of a step, allowed or not
MAX_ASKED = 300  # candidates that conditions on product and visitor together are asked about

_NOT_PERSONAL = frozenset[Strategy](("similar", "bought-together", "trending", "new-arrivals"))
_NEED_HISTORY = frozenset[Strategy](("next-best", "for-you", "recently-viewed"))


def slate(rules: SlateRules, view: View, seldom: SeldomSeen) -> Slate:
    """Return the products of a placement; what they are is taken for the placements after it."""
    placement = rules.placement
    slots = _Slots(rules, view)
    if slots.is_open:
        slots.pin()
        is_found = slots.is_full or _fill(slots, rules, view) > 0
        _explore(slots, rules, view, seldom)
        fallback = _why_fallback(placement.strategy, view, is_found=is_found)
    else:
        fallback = Fallback.NOTHING_FITS
    picks = slots.picks()
    if len(picks) < placement.min_items:
        picks, fallback = [], fallback or Fallback.TOO_FEW
    view.taken.update(pick.product_id for pick in picks)
    return Slate(placement.strategy, picks, fallback)


def _fill(slots: "_Slots", rules: SlateRules, view: View) -> int:
    """Take the steps of the chain until all slots are full; return how many the first one filled.

    Where a slate may be filled up, what has rested comes back rather than that a slot stays free.
    """
    n_first = 0
    for n_step, step in enumerate(rules.steps):
        if slots.is_full:
            return n_first
        allowed = view.allowed(rules.excluded_again if step == "buy-again" else rules.excluded)
        if isinstance(step, Picks):
            slots.take(_picked(step), allowed, "picks")
        else:
            slots.take(_weighted(step, rules, view, allowed), allowed, step)
        n_first = n_first or (0 if n_step else slots.n_ranked)
    if rules.fills and not slots.is_full:
        allowed = view.allowed(rules.excluded)
        slots.take(candidates("trending", view, allowed), allowed, "trending")
        for_sale = view.shelf.for_sale(rules.excluded.filter)
        slots.take(whole_catalog(view, for_sale or ()), allowed, "catalog")
    if rules.excluded.rotate_after and not slots.is_full:
        allowed = view.allowed(rules.excluded, also_resting=True)
        slots.take(
            candidates(rules.placement.strategy, view, allowed), allowed, rules.placement.strategy
        )
    return n_first


def _picked(step: Picks) -> Iterator[Candidate]:
    return (Candidate(product_id, 1.0, Why.CHOSEN) for product_id in step.products)


def _weighted(
    strategy: Strategy, rules: SlateRules, view: View, allowed: Allowed
) -> Iterable[Candidate]:
    """Return a strategy's candidates, relevant enough, as boosts and buries order them."""
    found = candidates(strategy, view, allowed)
    least = rules.placement.min_relevance
    if least and strategy in RELEVANT:
        found = (candidate for candidate in found if candidate.score >= least)
    if not rules.factors:
        return found
    shown = (candidate for candidate in found if allowed(candidate.product_id))
    weighted = [
        replace(candidate, score=candidate.score * _factor(candidate, rules.factors, view))
        for candidate in islice(shown, view.n_wanted(strategy))
    ]
    return sorted(weighted, key=lambda candidate: -candidate.score)


def _factor(candidate: Candidate, factors: Iterable[Factor], view: View) -> float:
    item = view.shelf.item(candidate.product_id)
    product = 1.0
    for factor in factors:
        if factor.categories and (item is None or item.category not in factor.categories):
            continue
        if factor.brands and (item is None or item.brand not in factor.brands):
            continue
        condition = factor.condition
        if condition is not None:
            matching = view.shelf.for_sale(condition.product) if condition.product else None
            if matching is not None and candidate.product_id not in matching:
                continue
            if condition.request and not view.facts.hold(condition.request):
                continue
            if condition.both and not view.facts.hold_for(item, condition.both):
                continue
        product *= factor.factor
    return product


def _explore(slots: "_Slots", rules: SlateRules, view: View, seldom: SeldomSeen) -> None:
    if not rules.explore or not slots.n_ranked:
        return
    # The cart's own category is just what a cross-sell is not for.
    is_cross_sell = rules.placement.strategy == "cart-cross-sell"
    pool = seldom.of("" if is_cross_sell else view.fitting_category or "", view.now)
    if not pool:
        return
    last = slots.take_out_last()
    allowed = view.allowed(rules.excluded)

    def may_be_shown(product_id: str) -> bool:
        if is_cross_sell and view.category_of(product_id) in view.cart.categories:
            return False
        return product_id != last.product_id and allowed(product_id) and slots.fits(product_id)

    drawn = explore(rules.explore, pool, may_be_shown, view.rng)
    if drawn.product_id is None:
        slots.put(replace(last, probability=drawn.probability))
    else:
        slots.put(
            Pick(drawn.product_id, Why.SELDOM, None, "explore", drawn.probability, explored=True)
        )


def _why_fallback(strategy: Strategy, view: View, *, is_found: bool) -> Fallback | None:
    if view.missing is not None and strategy not in _NOT_PERSONAL:
        return view.missing
    if is_found:
        return None
    if strategy in _NEED_HISTORY:
        return Fallback.NO_HISTORY
    return Fallback.NO_TREND if strategy == "trending" else Fallback.NOTHING_FITS


class _Slots:
    """Takes products until all slots are full: none twice, none that a rule keeps out."""

    def __init__(self, rules: SlateRules, view: View) -> None:
        options = view.request.options
        placement = rules.placement
        self._n_slots = (options.limit if options is not None else None) or placement.slots
        self._rules = rules
        self._view = view
        self._ranked: list[Pick] = []
        self._pinned: list[tuple[int, Pick]] = []
        self._used: set[str] = set() if placement.allow_repeats else set(view.taken)
        self._is_capped = bool(placement.max_per_category or placement.max_per_brand)
        self._n_of: dict[tuple[str, str], int] = {}
        self._n_asked = 0

    @property
    def is_open(self) -> bool:
        """Tell whether what the filter says of visitor, cart and page holds."""
        tests = self._rules.filter_request
        return not tests or self._view.facts.hold(tests)

    @property
    def n_ranked(self) -> int:
        """How many are not pinned."""
        return len(self._ranked)

    @property
    def is_full(self) -> bool:
        """Tell whether no slot is free."""
        return len(self._ranked) + len(self._pinned) >= self._n_slots

    def pin(self) -> None:
        """Put what is pinned and may be shown into its slots."""
        if not self._rules.placement.pin:
            return
        allowed = self._view.allowed(self._rules.excluded, also_resting=True)
        for pin in sorted(self._rules.placement.pin, key=lambda pin: pin.slot):
            if pin.slot < self._n_slots and allowed(pin.product) and self.fits(pin.product):
                self._pinned.append((pin.slot, Pick(pin.product, Why.CHOSEN, None, "pin")))
                self._count(pin.product, 1)

    def take(self, found: Iterable[Candidate], allowed: Allowed, step: str) -> None:
        """Take what fits, in order, until all slots are full."""
        n_free = self._n_slots - len(self._ranked) - len(self._pinned)
        if n_free <= 0:
            return
        used, is_plain = self._used, not (self._is_capped or self._rules.filter_both)
        ranked = self._ranked
        for one in islice(found, MAX_LOOKS):
            product_id = one.product_id
            if product_id in used or not allowed(product_id):
                continue
            if is_plain:
                used.add(product_id)
            elif self.fits(product_id):
                self._count(product_id, 1)
            else:
                continue
            ranked.append(Pick(product_id, one.why, one.of, step))
            n_free -= 1
            if not n_free:
                return

    def fits(self, product_id: str) -> bool:
        """Tell whether a product may come into a slot beside those that are there."""
        if product_id in self._used:
            return False
        if self._is_capped and any(
            self._n_of.get(group, 0) >= most for group, most in self._caps(product_id)
        ):
            return False
        tests = self._rules.filter_both
        if not tests:
            return True
        self._n_asked += 1
        item = self._view.shelf.item(product_id)
        return self._n_asked <= MAX_ASKED and self._view.facts.hold_for(item, tests)

    def take_out_last(self) -> Pick:
        """Take out the last that is not pinned; its slot is for ``put``."""
        last = self._ranked.pop()
        if self._is_capped:
            self._count(last.product_id, -1)
        return last

    def put(self, pick: Pick) -> None:
        """Put something into the slot that was made free."""
        self._ranked.append(pick)
        if self._is_capped:
            self._count(pick.product_id, 1)
        else:
            self._used.add(pick.product_id)

    def picks(self) -> list[Pick]:
        """Return the slate."""
        for slot, pick in self._pinned:
            self._ranked.insert(slot, pick)
        return self._ranked

    def _count(self, product_id: str, by: int) -> None:
        (self._used.add if by > 0 else self._used.discard)(product_id)
        if self._is_capped:
            for group, _ in self._caps(product_id):
                self._n_of[group] = self._n_of.get(group, 0) + by

    def _caps(self, product_id: str) -> Iterator[tuple[tuple[str, str], int]]:
        """Yield the category and the brand of a product, each with how many there may be."""
        item = self._view.shelf.item(product_id)
        if item is None:
            return
        placement = self._rules.placement
        if placement.max_per_category and item.category:
            yield ("category", item.category), placement.max_per_category
        if placement.max_per_brand and item.brand:
            yield ("brand", item.brand), placement.max_per_brand

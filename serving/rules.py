"""Pure: the rules of placements, made ready once for all requests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from config.conditions import Condition, Test, compile_condition
from config.durations import DAY_MS
from config.placements import HISTORY, Picks, Placement, Products, Strategy, Weight

BOUGHT_DAYS = 30
EXPLORE_RATE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Excluded:
    """What a placement never shows beside what nobody may: by cart, views, orders, impressions.

    Of equal ones there is only one (``_excluded``), so that looking one up is a matter of identity.
    """

    in_cart: bool
    viewed_ms: int
    bought_ms: int
    rotate_after: int
    rotate_ms: int
    filter: Test | None


@dataclass(frozen=True, slots=True)
class Factor:
    """What a score is multiplied by where all holds that is named."""

    factor: float
    condition: Condition | None
    categories: frozenset[str]
    brands: frozenset[str]


@dataclass(frozen=True, slots=True)
class SlateRules:
    """A placement of products. ``excluded_again`` is for what is bought again and again.

    ``is_picky``: some candidates are passed over after they were ranked, so more are needed.
    """

    placement: Products
    steps: tuple[Strategy | Picks, ...]
    excluded: Excluded
    excluded_again: Excluded
    filter_request: tuple[Test, ...]
    filter_both: tuple[Test, ...]
    factors: tuple[Factor, ...]
    fills: bool
    explore: float
    is_picky: bool

    @property
    def tests(self) -> Iterable[Test]:
        """Return all conditions that have to be asked."""
        if self.excluded.filter is not None:
            yield self.excluded.filter
        yield from (*self.filter_request, *self.filter_both)
        for factor in self.factors:
            if factor.condition is not None:
                yield from factor.condition.tests


def slate_rules(placement: Products) -> SlateRules:
    """Return a placement's rules; its fields must have been checked.

    Raises:
        InvalidCondition: they were not.
    """
    condition = compile_condition(placement.filter) if placement.filter else None
    bought_days = placement.exclude_bought_days
    is_history = placement.strategy in HISTORY
    only_relevant = placement.min_relevance > 0
    factors = tuple(_factor(weight) for weight in (*placement.boost, *placement.bury))
    both = condition.both if condition is not None else ()
    chance = 0.0 if is_history or only_relevant or placement.strategy == "new-arrivals" else None
    return SlateRules(
        placement=placement,
        steps=(placement.strategy, *placement.fallback),
        excluded=_excluded(
            placement, condition, BOUGHT_DAYS if bought_days is None else bought_days
        ),
        excluded_again=_excluded(placement, condition, bought_days or 0),
        filter_request=condition.request if condition is not None else (),
        filter_both=both,
        factors=factors,
        fills=not (is_history or only_relevant) if placement.fill is None else placement.fill,
        explore=(EXPLORE_RATE if chance is None else chance)
        if placement.explore is None
        else placement.explore,
        is_picky=bool(both or factors or placement.max_per_category or placement.max_per_brand),
    )


def rules_of(placements: Mapping[str, Placement]) -> dict[str, SlateRules]:
    """Return the rules of all placements of products."""
    return {
        name: slate_rules(placement)
        for name, placement in placements.items()
        if isinstance(placement, Products)
    }


def placements_by_test(rules: Mapping[str, SlateRules]) -> dict[str, list[str]]:
    """Return for each condition the placements that ask it, for the metrics."""
    named: dict[str, list[str]] = {}
    for name, one in rules.items():
        for source in dict.fromkeys(test.source for test in one.tests):
            named.setdefault(source, []).append(name)
    return named


def _excluded(placement: Products, condition: Condition | None, bought_days: int) -> Excluded:
    return _only_excluded(
        placement.exclude_in_cart,
        placement.exclude_viewed_days * DAY_MS,
        bought_days * DAY_MS,
        placement.rotate_after,
        placement.rotate_days * DAY_MS,
        condition.product if condition is not None else None,
    )


@cache
def _only_excluded(
    in_cart: bool,
    viewed_ms: int,
    bought_ms: int,
    rotate_after: int,
    rotate_ms: int,
    of_product: Test | None,
) -> Excluded:
    return Excluded(in_cart, viewed_ms, bought_ms, rotate_after, rotate_ms, of_product)


def _factor(weight: Weight) -> Factor:
    return Factor(
        factor=weight.factor,
        condition=compile_condition(weight.when) if weight.when else None,
        categories=frozenset(weight.categories),
        brands=frozenset(weight.brands),
    )

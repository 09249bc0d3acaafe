"""Pure: what to show in each placement. Always answers; where it knows too little, it says so."""

from collections.abc import Callable, Iterable, Mapping
from random import Random

from config.conditions import Test, needed_fields
from config.placements import Banner, Offer, Placement, Products
from online_models.users import UserState
from serving.catalog import Catalog
from serving.choices import Choice, Decision, Fallback, MadeOffer, Model, ShownBanner
from serving.conditions import Matching
from serving.exploring import SeldomSeen
from serving.reasons import NoOffer
from serving.rules import placements_by_test, rules_of
from serving.schemas import Request
from serving.slates import slate
from serving.view import SessionKey, View

# Nobody looked, so the visitor may be anybody: also someone whom an offer is not for.
_UNSEEN = frozenset(Fallback) - {
    Fallback.UNKNOWN_USER,
    Fallback.NO_HISTORY,
    Fallback.NO_TREND,
    Fallback.NOTHING_FITS,
    Fallback.TOO_FEW,
}


class Shop:
    """What decisions are made with: model, catalog and placements, the rules made ready once.

    ``failed`` is told the placement whenever a condition of it cannot be evaluated.
    """

    def __init__(
        self,
        model: Model,
        catalog: Catalog,
        placements: Mapping[str, Placement],
        failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.model = model
        self.catalog = catalog
        self.placements = placements
        self.rules = rules_of(placements)
        self.seldom = SeldomSeen(model, catalog)
        tests = [test for rules in self.rules.values() for test in rules.tests]
        self.needed = needed_fields(tests)
        self._placements_by_test = placements_by_test(self.rules)
        self._failed = failed
        alone = (test for test in tests if test.fields.keys() == {"product"})
        catalog.match(Matching(alone, self.condition_failed))

    def condition_failed(self, test: Test) -> None:
        """Take in that a condition could not be evaluated."""
        for name in self._placements_by_test[test.source]:
            self._failed(name)


def decide(
    request: Request,
    user: UserState | None,
    shop: Shop,
    now: int,
    rng: Random,
    missing: Fallback | None = None,
    session_key: SessionKey | None = None,
) -> Decision:
    """Return a choice for each placement that the request names, which must be known ones.

    ``now`` is in ms, chance comes in as ``rng``. ``missing`` says why there is no user; without,
    the user is unknown. ``session_key`` names the user's sessions as the model knows them.
    Placements are filled in the order in which the request names them.
    """
    if user is None:
        missing = missing or Fallback.UNKNOWN_USER
    view = View(
        request,
        user,
        shop.model,
        shop.catalog,
        shop.rules,
        now,
        rng,
        missing,
        shop.needed,
        shop.condition_failed,
        session_key,
    )
    choices: dict[str, Choice] = {}
    for name in request.placements:
        placement = shop.placements[name]
        if isinstance(placement, Products):
            if name not in choices:  # named twice, it is shown once
                choices[name] = slate(shop.rules[name], view, shop.seldom)
        elif isinstance(placement, Banner):
            choices[name] = _banner(placement, view)
        else:
            choices[name] = _offer(placement, view)
    return Decision(choices, missing or _shared_fallback(choices.values()))


def _shared_fallback(choices: Iterable[Choice]) -> Fallback | None:
    reasons = [choice.fallback for choice in choices]
    return None if None in reasons or not reasons else reasons[0]


def _banner(placement: Banner, view: View) -> ShownBanner:
    content = placement.by_category.get(view.category) if view.category is not None else None
    if content is not None:
        return ShownBanner(content, view.category, None)
    return ShownBanner(placement.content, None, view.missing)


def _offer(placement: Offer, view: View) -> MadeOffer:
    why_not = _why_no_offer(placement, view)
    return MadeOffer(None if why_not else placement.content, why_not, view.missing)


def _why_no_offer(placement: Offer, view: View) -> NoOffer | None:
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

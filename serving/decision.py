"""Pure: what to show in each placement. Always answers; where it knows too little, it says so."""

from collections.abc import Callable, Iterable, Mapping
from random import Random

import msgspec

from config.conditions import Test, both_needed, needed_fields
from config.placements import Placement, Products, Strategy
from online_models.users import UserState
from serving.assigning import NO_EXPERIMENTS, Assigned
from serving.campaign_rules import Given, NothingGiven
from serving.campaigns import NO_CAMPAIGNS, InForce
from serving.catalog import Catalog
from serving.choices import Choice, Decision, Fallback, Model
from serving.choosing import Chooser, Choosing, Features
from serving.conditions import Matching
from serving.exploring import SeldomSeen
from serving.policies import NothingLearned, Policies
from serving.rules import SlateRules, placements_by_test, rules_of, slate_rules
from serving.schemas import Request
from serving.slates import slate
from serving.view import SESSION_GAP_MS, STRANGER, SessionKey, View, Visitor


class Shop:
    """What decisions are made with: model, catalog and placements, the rules made ready once.

    ``failed`` is told the placement whenever a condition of it cannot be evaluated. ``gap_ms``:
    after so long without an event another visit begins.
    """

    def __init__(
        self,
        model: Model,
        catalog: Catalog,
        placements: Mapping[str, Placement],
        failed: Callable[[str], None] = lambda _: None,
        *,
        policies: Policies | None = None,
        given: Given | None = None,
        features: Features | None = None,
        gap_ms: int = SESSION_GAP_MS,
    ) -> None:
        self.model = model
        self.catalog = catalog
        self.placements = placements
        self.rules = rules_of(placements)
        self.seldom = SeldomSeen(model, catalog)
        self.gap_ms = gap_ms
        tests = [test for rules in self.rules.values() for test in rules.tests]
        self._needed_by_rules = needed_fields(tests)
        self._failed = failed
        self._replaced: dict[tuple[str, Strategy], SlateRules] = {}
        self.chooser = Chooser(
            NO_CAMPAIGNS, policies or NothingLearned(), given or NothingGiven(), features
        )
        self.use(NO_CAMPAIGNS)
        alone = (test for test in tests if test.fields.keys() == {"product"})
        catalog.match(Matching(alone, self.condition_failed))

    def use(self, campaigns: InForce) -> None:
        """Put campaigns in force from the next decision on."""
        self.chooser = self.chooser._replace(campaigns=campaigns)
        self.needed = both_needed(self._needed_by_rules, campaigns.needed)
        self._placements_by_test = placements_by_test(self.rules)
        for source, names in campaigns.placements_by_test().items():
            self._placements_by_test.setdefault(source, []).extend(names)

    def rules_with(self, strategies: Mapping[str, Strategy]) -> Mapping[str, SlateRules]:
        """Return the rules of all placements, some of which have another strategy."""
        if not strategies:
            return self.rules
        replaced = {
            name: self._with_strategy(name, strategy)
            for name, strategy in strategies.items()
            if name in self.rules
        }
        return {**self.rules, **replaced}

    def _with_strategy(self, name: str, strategy: Strategy) -> SlateRules:
        rules = self._replaced.get((name, strategy))
        if rules is None:
            placement = msgspec.structs.replace(self.rules[name].placement, strategy=strategy)
            rules = self._replaced[name, strategy] = slate_rules(placement)
        return rules

    def condition_failed(self, test: Test) -> None:
        """Take in that a condition could not be evaluated."""
        for name in self._placements_by_test.get(test.source, ()):  # of campaigns just replaced
            self._failed(name)


def decide(
    request: Request,
    user: UserState | None,
    shop: Shop,
    now: int,
    rng: Random,
    missing: Fallback | None = None,
    session_key: SessionKey | None = None,
    assigned: Assigned = NO_EXPERIMENTS,
    visitor: Visitor = STRANGER,
) -> Decision:
    """Return a choice for each placement that the request names, which must be known ones.

    ``now`` is in ms, chance comes in as ``rng``. ``missing`` says why there is no user; without,
    the user is unknown. ``session_key`` names the user's sessions as the model knows them,
    ``assigned`` says which variations of experiments are shown, and ``visitor`` who asks.
    Placements are filled in the order in which the request names them.
    """
    if user is None:
        missing = missing or Fallback.UNKNOWN_USER
    rules = shop.rules_with(assigned.strategies)
    view = View(
        request,
        user,
        shop.model,
        shop.catalog,
        rules,
        now,
        rng,
        missing,
        shop.needed,
        shop.condition_failed,
        session_key,
        assigned,
        visitor,
        shop.gap_ms,
    )
    choosing = Choosing(view, shop.chooser)
    choices: dict[str, Choice] = {}
    for name in request.placements:
        placement = shop.placements[name]
        if name in choices:
            continue  # named twice, it is shown once
        if isinstance(placement, Products):
            choices[name] = slate(rules[name], view, shop.seldom)
        else:
            choices[name] = choosing.promotion(name, placement)
    return Decision(choices, missing or _shared_fallback(choices.values()))


def _shared_fallback(choices: Iterable[Choice]) -> Fallback | None:
    reasons = [choice.fallback for choice in choices]
    return None if None in reasons or not reasons else reasons[0]

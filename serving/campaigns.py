"""Pure: the campaigns in force, made ready once for all requests, by placement and priority."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

from config.campaigns import HOLDOUT_RATE, Campaign, Campaigns, Segment
from config.conditions import Test, compile_test, needed_fields
from config.decisions import Objection
from config.durations import HOUR_MS, MINUTE_MS
from config.events import CampaignChoice, Goal
from config.experiments import Experiments
from serving.campaign_rules import (
    BARRED,
    InSegments,
    Rule,
    Situation,
    rules_of,
)
from serving.conditions import Needed
from serving.considered import Candidate


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A campaign made ready; its ``arms`` are its variations as policies name them.

    ``weighs_nothing``: making no offer is an arm, too.
    ``unmet`` is what is told of it where its condition ``test`` does not hold; ``rules`` are the
    other things that may stand against it.
    """

    name: str
    campaign: Campaign
    is_offer: bool
    goal: Goal
    weighs_nothing: bool
    holdout_rate: float
    test: Test | None
    unmet: Candidate
    rules: tuple[Rule, ...]
    arms: tuple[str, ...]

    @property
    def tests(self) -> tuple[Test, ...]:
        """Return the conditions that have to be asked before its rules look at their answers."""
        tests = [] if self.test is None else [self.test]
        for rule in self.rules:
            if isinstance(rule, InSegments):
                tests += rule.tests.values()
        return tuple(tests)

    def policy_in(self, placement: str) -> str:
        """Return the name of the policy that learns what to show of it in a placement."""
        return f"{'offer' if self.weighs_nothing else 'policy'}:{placement}"

    def against(self, asked: Situation) -> Objection | None:
        """Return the first thing that stands against it beside its condition, None for nothing."""
        if self.name in asked.barred:
            return BARRED
        for rule in self.rules:
            objection = rule.against(asked)
            if objection is not None:
                return objection
        return None

    def all_against(self, asked: Situation) -> list[Objection]:
        """Return all that stands against it."""
        found = [rule.against(asked) for rule in self.rules]
        barred = [BARRED] if self.name in asked.barred else []
        is_unmet = self.test is not None and not asked.answers[self.test]
        return [*barred, *(self.unmet[1] if is_unmet else ()), *(one for one in found if one)]

    def choice(self, placement: str, variation: str, **what: object) -> CampaignChoice:
        """Return what the log of events is told of a choice of it."""
        campaign = self.campaign
        return CampaignChoice(
            placement,
            self.name,
            variation,
            goal=self.goal,
            click_ms=int(campaign.click_minutes * MINUTE_MS),
            order_ms=int(campaign.order_hours * HOUR_MS),
            margin_rate=campaign.margin_rate,
            discount_rate=campaign.discount_rate,
            **what,  # type: ignore[arg-type]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Campaigns of a placement that have the same priority, as they stand in the file.

    ``names`` are the variables that their conditions name. ``asked`` has of each what is looked at
    first: hundreds of campaigns end there.
    """

    campaigns: tuple[Ready, ...]
    tests: tuple[Test, ...]
    names: frozenset[str]
    asked: tuple[tuple[Ready, Test | None, Candidate], ...]


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """All campaigns; ``groups`` and ``names`` by placement, the highest priority first."""

    campaigns: Mapping[str, Ready] = field(default_factory=dict)
    groups: Mapping[str, tuple[Group, ...]] = field(default_factory=dict)
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    time_zone: str = "UTC"
    needed: Needed = field(default_factory=dict)
    experiments: Experiments = field(default_factory=dict)
    margin_rate: float = 1.0

    def placements_by_test(self) -> dict[str, list[str]]:
        """Return for each condition the placements that ask it, for the metrics."""
        named: dict[str, list[str]] = {}
        for placement, groups in self.groups.items():
            for source in dict.fromkeys(test.source for group in groups for test in group.tests):
                named.setdefault(source, []).append(placement)
        return named


NO_CAMPAIGNS = InForce()


def made_ready(campaigns: Campaigns) -> InForce:
    """Return the campaigns of a file, which must have been checked, made ready."""
    ready = {name: _ready(name, campaigns) for name in campaigns.campaigns}
    by_placement: dict[str, list[Ready]] = {}
    for one in ready.values():
        for placement in dict.fromkeys(one.campaign.placements):
            by_placement.setdefault(placement, []).append(one)
    groups = {name: _groups(standing) for name, standing in by_placement.items()}
    tests = [test for one in ready.values() for test in one.tests]
    return InForce(
        ready,
        groups,
        {name: frozenset(one.name for one in standing) for name, standing in by_placement.items()},
        campaigns.segments,
        campaigns.time_zone,
        needed_fields(tests),
        campaigns.experiments,
        campaigns.margin_rate,
    )


def _ready(name: str, campaigns: Campaigns) -> Ready:
    campaign, is_offer = campaigns.campaigns[name], name in campaigns.offers
    when = campaign.when
    rate = campaign.holdout_rate
    return Ready(
        name=name,
        campaign=campaign,
        is_offer=is_offer,
        goal=campaigns.goal_of(name),
        weighs_nothing=campaigns.weighs_nothing(name),
        holdout_rate=(HOLDOUT_RATE if rate is None else rate) if is_offer else 0.0,
        test=compile_test(when) if when else None,
        unmet=(name, (Objection("condition", when),)),
        rules=tuple(rules_of(name, campaign, campaigns.segments, is_offer=is_offer)),
        arms=campaigns.arms_of(name),
    )


def _groups(standing: list[Ready]) -> tuple[Group, ...]:
    def rank(one: Ready) -> int:
        return -one.campaign.priority

    return tuple(_group(tuple(same)) for _, same in groupby(sorted(standing, key=rank), rank))


def _group(same: tuple[Ready, ...]) -> Group:
    tests = tuple(dict.fromkeys(test for one in same for test in one.tests))
    names: frozenset[str] = frozenset().union(*(test.names for test in tests))
    return Group(same, tests, names, tuple((one, one.test, one.unmet) for one in same))

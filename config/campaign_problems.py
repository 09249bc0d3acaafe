"""What does not go together in campaigns that were read: places, and what is allowed there."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from config.campaigns import (
    MAX_ARMS,
    OF_OFFERS,
    Campaign,
    Campaigns,
    LocalContent,
    Variation,
)
from config.conditions import InvalidCondition, compile_test
from config.content_texts import problems_of
from config.placements import Banner, Content, Offer, Placement
from config.schedules import problems_of_hours
from config.table_errors import unknown
from config.toml_lines import Path

Problems = Iterator[tuple[Path, str]]


def all_problems(
    campaigns: Campaigns, placements: Mapping[str, Placement], segments: Collection[str]
) -> Problems:
    """Yield all problems: the place of each, and what is allowed.

    ``segments`` are the names of all in the file.
    """
    for name, segment in campaigns.segments.items():
        yield from _below(("segments", name), _of_condition("when", segment.when))
    for name, campaign in campaigns.campaigns.items():
        found = _of_campaign(campaign, placements, segments)
        yield from _below(("campaigns", name), found)
    yield from _of_learned(campaigns)


def _of_campaign(
    campaign: Campaign, placements: Mapping[str, Placement], segments: Collection[str]
) -> Problems:
    yield from _of_placements(campaign, placements)
    if campaign.when:
        yield from _of_condition("when", campaign.when)
    for place, name in enumerate(campaign.segments):
        if name not in segments:
            yield ("segments", place), unknown(name, "segment", segments)
    for place, problem in problems_of_hours(campaign.hours):
        yield ("hours", place), problem
    if campaign.starts and campaign.ends and campaign.starts >= campaign.ends:
        yield ("ends",), f"not after starts ({campaign.starts}); allowed: a later time"
    yield from _of_texts(("reason",), campaign.reason)
    for name, variation in campaign.variations.items():
        yield from _below(("variations", name), _of_variation(variation))
        if variation.weight != 1.0 and campaign.choose != "split":
            yield ("variations", name, "weight"), 'allowed: with choose = "split"'


def _of_placements(campaign: Campaign, placements: Mapping[str, Placement]) -> Problems:
    fitting = {name for name, one in placements.items() if isinstance(one, Banner | Offer)}
    for place, name in enumerate(campaign.placements):
        if name not in fitting:
            yield ("placements", place), unknown(name, "placement of banners or offers", fitting)
    kinds = {type(placements[name]) for name in campaign.placements if name in fitting}
    if len(kinds) > 1:
        yield ("placements",), "allowed: all of banners, or all of offers"
    if kinds == {Banner}:
        for field in OF_OFFERS:
            if getattr(campaign, field):
                yield (field,), "allowed: in campaigns whose placements are offers"
        if campaign.goal == "margin" and campaign.choose == "learned":
            yield ("goal",), "allowed with banners: 'click', 'order'"


def _of_learned(campaigns: Campaigns) -> Problems:
    """One policy learns for a placement: towards one goal, and not of more arms than it keeps."""
    by_experiments = {
        placement
        for experiment in campaigns.experiments.values()
        for variation in experiment.table.variations
        for placement, policy in variation.policy.items()
        if policy != "first"
    }
    first: dict[str, tuple[str, str]] = {}
    n_arms: Counter[str] = Counter()
    for name, campaign in campaigns.campaigns.items():
        goal = campaigns.goal_of(name)
        for placement in campaign.placements:
            if campaign.choose != "learned" and placement not in by_experiments:
                continue
            n_arms[placement] += len(campaign.variations)
            if n_arms[placement] > MAX_ARMS >= n_arms[placement] - len(campaign.variations):
                problem = f"beyond the {MAX_ARMS} variations that are learned in {placement!r}"
                yield ("campaigns", name), f"{problem}; allowed: choose = 'split' or 'first'"
            other, known = first.setdefault(placement, (name, goal))
            if goal != known:
                yield (
                    ("campaigns", name, "goal"),
                    f"{goal!r}, but {other!r} learns towards {known!r} in placement "
                    f"{placement!r}; allowed: the same goal for all that are learned there",
                )


def _of_variation(variation: Variation) -> Problems:
    yield from _of_content(variation)
    for name, local in variation.locales.items():
        yield from _below(("locales", name), _of_content(local))


def _of_content(content: Variation | LocalContent) -> Problems:
    for field in Content.__struct_fields__:
        yield from _of_texts((field,), getattr(content, field) or "")


def _of_texts(path: Path, text: str) -> Problems:
    for problem in problems_of(text):
        yield path, problem


def _of_condition(field: str, source: str) -> Problems:
    try:
        compile_test(source)
    except InvalidCondition as error:
        yield (field,), str(error)


def _below(path: Path, problems: Problems) -> Problems:
    for inner, problem in problems:
        yield (*path, *inner), problem

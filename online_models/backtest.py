"""What other campaigns would have shown at logged choices, and with which chances. Pure.

A log knows what was chosen from, not all that was known of a visitor. So a campaign counts as
eligible where one of its variations was among the arms of the choice, whatever its conditions say
now; and, where the log never saw it, wherever it has no conditions at all. Schedules are those of
the new file; caps, cool-downs, budgets and holdouts are taken as they were.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from config.campaigns import Campaign, Campaigns
from config.schedules import Schedule
from online_models.choice_log import LoggedChoice
from online_models.competing import competing, fixed_chances, learned_arms
from online_models.picking import NOTHING


@dataclass(frozen=True, slots=True)
class Planned:
    """A campaign of the new file: its arms, when it is on, and whether the log has seen it."""

    name: str
    campaign: Campaign
    arms: Sequence[str]
    schedule: Schedule
    weighs_nothing: bool
    is_new: bool

    def is_eligible(self, choice: LoggedChoice, seen: Collection[str]) -> bool:
        """Tell whether it may be shown at a choice whose arms are of these campaigns."""
        if not self.schedule.is_open(choice.shown_at):
            return False
        is_for_all = not (self.campaign.when or self.campaign.segments)
        return self.name in seen or (self.is_new and is_for_all)


class Plan:
    """What a file of campaigns would have shown in a placement."""

    def __init__(
        self, campaigns: Campaigns, placement: str, logged: Sequence[LoggedChoice]
    ) -> None:
        known = {name for choice in logged for name in _campaigns(choice)}
        self.planned = [
            _planned(name, campaigns, is_new=name not in known)
            for name, campaign in campaigns.campaigns.items()
            if placement in campaign.placements
        ]

    @property
    def arms(self) -> list[str]:
        """Return all arms that may be shown, nothing among them."""
        return [NOTHING, *(arm for one in self.planned for arm in one.arms)]

    def chances(self, choice: LoggedChoice, arms: Sequence[str]) -> list[float]:
        """Return with which chance each of the arms would have been shown at a choice."""
        seen = _campaigns(choice)
        standing = [one for one in self.planned if one.is_eligible(choice, seen)]
        highest = max((one.campaign.priority for one in standing), default=0)
        shown = _shown([one for one in standing if one.campaign.priority == highest], choice)
        return [shown.get(arm, 0.0) for arm in arms]


def _planned(name: str, campaigns: Campaigns, *, is_new: bool) -> Planned:
    campaign = campaigns.campaigns[name]
    return Planned(
        name,
        campaign,
        campaigns.arms_of(name),
        campaign.schedule(),
        weighs_nothing=campaigns.weighs_nothing(name),
        is_new=is_new,
    )


def _campaigns(choice: LoggedChoice) -> set[str]:
    return {arm.partition("/")[0] for arm in (choice.arm, *choice.arms) if arm}


def _shown(standing: Sequence[Planned], choice: LoggedChoice) -> Mapping[str, float]:
    """Return the chances of what is shown of campaigns that all may be."""
    if not standing:
        return {NOTHING: 1.0}
    fixed = fixed_chances(standing[0].campaign.choose, standing[0])
    return _as_it_chose(learned_arms(competing(standing)), choice) if fixed is None else fixed


def _as_it_chose(arms: Sequence[str], choice: LoggedChoice) -> dict[str, float]:
    """Return the chances of a learned policy that goes on as it chose.

    The log has the chance of the picked arm alone; the others shared the rest evenly, as far as
    anybody knows. An arm that it did not choose from is tried as one of which nothing is known.

    >>> logged = LoggedChoice(policy="p", placement="hero", arm="a/1", probability=0.6, reward=0.0,
    ...                       arms=["a/1", "a/2", "a/3"])
    >>> _as_it_chose(["a/1", "a/2"], logged)
    {'a/1': 0.75, 'a/2': 0.25}
    """
    known = [choice.arm, *(arm for arm in choice.arms if arm != choice.arm)]
    rest = (1.0 - choice.probability) / max(len(known) - 1, 1)
    before = {arm: choice.probability if arm == choice.arm else rest for arm in known}
    kept = {arm: before[arm] for arm in arms if arm in before}
    n_fresh, whole = len(arms) - len(kept), sum(kept.values())
    if whole <= 0.0:
        return dict.fromkeys(arms, 1.0 / len(arms))
    share = len(kept) / len(arms) / whole
    chances = {arm: chance * share for arm, chance in kept.items()}
    return {arm: chances.get(arm, 1.0 / (len(kept) + n_fresh)) for arm in arms}

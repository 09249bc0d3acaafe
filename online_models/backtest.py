"""What other campaigns would have shown at logged choices, and with which chances. Pure.

A log knows what was chosen from, not all that was known of a visitor, nor what was not looked at
since something of a higher priority was shown. So a campaign counts as eligible where one of its
variations was among the arms of the choice, whatever its conditions say now; and wherever nothing
but its schedule can stand against it. Another one was not eligible where it must have been looked
at, as the new file ranks it; where it need not have been, and would decide what is shown, nobody
can tell. One with conditions that the log never saw counts as nowhere eligible. Schedules are those
of the new file; caps, cool-downs, budgets and holdouts are taken as they were.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from config.campaigns import Campaign, Campaigns
from config.schedules import Schedule
from online_models.choice_log import LoggedChoice
from online_models.competing import competing, fixed_chances, learned_arms
from online_models.picking import NOTHING

UNTOLD = "?"  # the arm that stands for what nobody can tell
_CONDITIONS = ("when", "segments")
_LIMITS = ("caps", "cooldown_days", "stop_after_order", "budget_per_day")


@dataclass(frozen=True, slots=True)
class Planned:
    """A campaign of the new file: its place in it, its arms, when it is on, and whether nothing
    else can stand against it (of one that the log never saw: no condition).
    """

    name: str
    place: int
    campaign: Campaign
    arms: Sequence[str]
    schedule: Schedule
    weighs_nothing: bool
    is_for_all: bool

    def is_looked_at_with(self, shown: "Planned") -> bool:
        """Tell whether it would have been among the arms of a choice with another, if eligible."""
        here, there = self.campaign, shown.campaign
        if here.priority != there.priority:
            return here.priority > there.priority
        return self.place < shown.place or here.choose == there.choose == "learned"


class Plan:
    """What a file of campaigns would have shown in a placement."""

    def __init__(
        self, campaigns: Campaigns, placement: str, logged: Sequence[LoggedChoice]
    ) -> None:
        known = {name for choice in logged for name in _campaigns(choice)}
        planned = (
            _planned(name, place, campaigns, is_new=name not in known)
            for place, (name, campaign) in enumerate(campaigns.campaigns.items())
            if placement in campaign.placements
        )
        self.planned = [one for one in planned if one.is_for_all or one.name in known]

    @property
    def arms(self) -> list[str]:
        """Return all arms that may be shown, nothing and what nobody can tell among them."""
        return [NOTHING, UNTOLD, *(arm for one in self.planned for arm in one.arms)]

    def chances(self, choice: LoggedChoice, arms: Sequence[str]) -> list[float]:
        """Return with which chance each of the arms would have been shown at a choice."""
        seen = _campaigns(choice)
        untold = self._untold(seen)
        may_stand = [
            one
            for one in self.planned
            if (one.is_for_all or one.name in seen or one.name in untold)
            and one.schedule.is_open(choice.shown_at)
        ]
        highest = max((one.campaign.priority for one in may_stand), default=0)
        shown = _shown(
            [one for one in may_stand if one.campaign.priority == highest], choice, untold
        )
        return [shown.get(arm, 0.0) for arm in arms]

    def _untold(self, seen: Set[str]) -> Set[str]:
        """Return the campaigns of which a choice with these does not tell if they were eligible."""
        shown = [one for one in self.planned if one.name in seen]
        return {
            one.name
            for one in self.planned
            if not one.is_for_all
            and one.name not in seen
            and not any(one.is_looked_at_with(other) for other in shown)
        }


def _planned(name: str, place: int, campaigns: Campaigns, *, is_new: bool) -> Planned:
    campaign = campaigns.campaigns[name]
    return Planned(
        name,
        place,
        campaign,
        campaigns.arms_of(name),
        campaign.schedule(),
        weighs_nothing=campaigns.weighs_nothing(name),
        is_for_all=not any(getattr(campaign, field) for field in _CONDITIONS)
        and (is_new or not any(getattr(campaign, field) for field in _LIMITS)),
    )


def _campaigns(choice: LoggedChoice) -> set[str]:
    return {arm.partition("/")[0] for arm in (choice.arm, *choice.arms) if arm}


def _shown(
    standing: Sequence[Planned], choice: LoggedChoice, untold: Set[str]
) -> Mapping[str, float]:
    """Return the chances of what is shown of campaigns that all may be."""
    if not standing:
        return {NOTHING: 1.0}
    contenders = competing(standing)
    if any(one.name in untold for one in contenders):
        return {UNTOLD: 1.0}
    fixed = fixed_chances(standing[0].campaign.choose, standing[0])
    return _as_it_chose(learned_arms(contenders), choice) if fixed is None else fixed


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
    whole = sum(kept.values())
    if whole <= 0.0:
        return dict.fromkeys(arms, 1.0 / len(arms))
    share = len(kept) / len(arms) / whole
    return {arm: kept[arm] * share if arm in kept else 1.0 / len(arms) for arm in arms}

"""Pure: what may stand against showing a campaign to a visitor, a rule each.

Rules are made ready once; what they say of a visitor costs no more than it must, since hundreds of
campaigns may stand in a placement. What they object is told in answers and in the log of decisions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Protocol

from config.campaigns import Campaign, Cap, Segment
from config.conditions import Test, compile_test
from config.decisions import Objection
from config.durations import DAY_MS, MINUTE_MS
from config.schedules import Schedule
from online_models.users import Contact

BARRED = Objection("experiment", "the visitor's variation is without it")
_SEEN = Objection("unseen", "nobody can tell what was shown before")
_CONVERTED = Objection("converted", "it led to an order")


class Given(Protocol):
    """What offers gave away so far."""

    def on(self, campaign: str, day: str) -> float:
        """Return what a campaign gave away with the decisions of a day in UTC (``2026-11-24``)."""


class NothingGiven:
    """No offer gave anything away yet."""

    def on(self, campaign: str, day: str) -> float:
        """Return nothing."""
        return 0.0


@dataclass(slots=True)
class Situation:
    """What rules look at. ``answers`` are those of the conditions, which were asked before.

    ``is_unseen``: nobody could look whether there is a history, so the visitor may be anybody.
    ``barred`` are campaigns that an experiment keeps from the visitor. ``segment`` holds whatever
    its condition says; ``overlay`` is the campaign that already has the answer's only overlay.
    """

    now: int
    answers: Mapping[Test, bool]
    contacts: Mapping[str, Contact]
    is_unseen: bool
    channel: str
    given: Given
    barred: frozenset[str] = frozenset()
    segment: str | None = None
    overlay: str = ""


class Rule(Protocol):
    """One thing that may stand against a campaign."""

    def against(self, asked: Situation) -> Objection | None:
        """Return what stands against it, None for nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class InSegments:
    """The visitor is in one of its segments."""

    tests: Mapping[str, Test]
    objection: Objection

    def against(self, asked: Situation) -> Objection | None:
        """Object where the visitor is in none."""
        for name, test in self.tests.items():
            if asked.answers[test] or name == asked.segment:
                return None
        return self.objection


@dataclass(slots=True, eq=False)
class OnAir:
    """It is on at this time; worked out anew every minute."""

    schedule: Schedule
    objection: Objection
    _minute: int = -1
    _is_open: bool = False

    def against(self, asked: Situation) -> Objection | None:
        """Object where it is not on."""
        minute = asked.now // MINUTE_MS
        if minute != self._minute:
            self._minute, self._is_open = minute, self.schedule.is_open(minute * MINUTE_MS)
        return None if self._is_open else self.objection


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """It is known what the visitor had to do with it."""

    def against(self, asked: Situation) -> Objection | None:
        """Object where nobody could look."""
        return _SEEN if asked.is_unseen else None


@dataclass(frozen=True, slots=True, eq=False)
class Capped:
    """It was not shown too often."""

    campaign: str
    cap: Cap
    objection: Objection

    def against(self, asked: Situation) -> Objection | None:
        """Object where it was."""
        contact = asked.contacts.get(self.campaign)
        if contact is None:
            return None
        since, channel = asked.now - self.cap.days * DAY_MS, self.cap.channel
        n_shown = sum(at > since and channel in (None, where) for at, where in contact.shown)
        return self.objection if n_shown >= self.cap.times else None


@dataclass(frozen=True, slots=True, eq=False)
class CooledDown:
    """It was not dismissed lately."""

    campaign: str
    cooldown_ms: float
    objection: Objection

    def against(self, asked: Situation) -> Objection | None:
        """Object where it was."""
        contact = asked.contacts.get(self.campaign)
        if contact is None or contact.dismissed_at < 0:
            return None
        return self.objection if asked.now - contact.dismissed_at < self.cooldown_ms else None


@dataclass(frozen=True, slots=True, eq=False)
class NotConverted:
    """It did not lead to an order yet."""

    campaign: str

    def against(self, asked: Situation) -> Objection | None:
        """Object where it did."""
        contact = asked.contacts.get(self.campaign)
        return _CONVERTED if contact is not None and contact.converted_at >= 0 else None


@dataclass(frozen=True, slots=True, eq=False)
class InBudget:
    """Its budget of the day (UTC) is not used up."""

    campaign: str
    budget: float

    def against(self, asked: Situation) -> Objection | None:
        """Object where it is."""
        day = _day(asked.now // DAY_MS)
        given = asked.given.on(self.campaign, day)
        if given < self.budget:
            return None
        return Objection("budget", f"{given:.2f} of {self.budget:.2f} given on {day}")


@lru_cache(maxsize=2)  # of the day, and of one that is previewed
def _day(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(number)).isoformat()


@dataclass(frozen=True, slots=True, eq=False)
class OnlyOverlay:
    """No other overlay is in the answer."""

    def against(self, asked: Situation) -> Objection | None:
        """Object where there is one."""
        return Objection("overlay", f"{asked.overlay!r} has it") if asked.overlay else None


def rules_of(
    name: str, campaign: Campaign, segments: Mapping[str, Segment], *, is_offer: bool
) -> Iterator[Rule]:
    """Yield the rules of a campaign beside its condition, those that most often object first."""
    if campaign.segments:
        tests = {one: compile_test(segments[one].when) for one in campaign.segments}
        names = ", ".join(campaign.segments)
        yield InSegments(tests, Objection("segment", f"in none of: {names}"))
    if campaign.starts or campaign.ends or campaign.days or campaign.hours:
        yield OnAir(campaign.schedule(), Objection("schedule", _told_schedule(campaign)))
    if is_offer or campaign.caps or campaign.cooldown_days or campaign.stop_after_order:
        yield Seen()
    for cap in campaign.caps:
        yield Capped(name, cap, Objection("cap", _told_cap(cap)))
    if campaign.cooldown_days:
        dismissed = Objection("cooldown", f"dismissed within {campaign.cooldown_days:g} days")
        yield CooledDown(name, campaign.cooldown_days * DAY_MS, dismissed)
    if campaign.stop_after_order:
        yield NotConverted(name)
    if campaign.budget_per_day is not None:
        yield InBudget(name, campaign.budget_per_day)
    if campaign.overlay:
        yield OnlyOverlay()


def _told_schedule(campaign: Campaign) -> str:
    parts = [
        f"from {campaign.starts}" if campaign.starts else "",
        f"until {campaign.ends}" if campaign.ends else "",
        " ".join(campaign.days),
        " ".join(campaign.hours),
        campaign.time_zone,
    ]
    return ", ".join(part for part in parts if part)


def _told_cap(cap: Cap) -> str:
    where = f" ({cap.channel})" if cap.channel else ""
    return f"shown {cap.times} times within {cap.days:g} days{where}"

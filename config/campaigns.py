"""What is shown to whom: the tables ``[campaigns.NAME]`` and ``[segments.NAME]`` of a file.

A campaign stands in placements of banners or of offers, and is of their kind. Mistakes are the
business of ``campaign_checks.py``; a field's ``description`` is what its errors say is allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from config.events import Goal
from config.experiments import Experiments, HoldoutRate, Name
from config.placements import Content, Share, Truth
from config.schedules import Day, Schedule, schedule_of

MAX_CAMPAIGNS = 1_000
MAX_ARMS = 64  # variations that one policy learns
MAX_CAP_TIMES = 16  # impressions of a campaign that are remembered of a visitor
HOLDOUT_RATE = 0.05

Choose = Literal["learned", "split", "first"]
Condition = Annotated[
    str, msgspec.Meta(min_length=1, max_length=2000, description="a condition in CEL")
]
Text = Annotated[str, msgspec.Meta(max_length=2000, description="a text of at most 2000 letters")]
Channel = Annotated[
    str, msgspec.Meta(min_length=1, max_length=32, description='a name such as "web"')
]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e9, description="a number above 0")]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class LocalContent(_Table, frozen=True):
    """What is different in a language; what is not said here is as in the variation."""

    headline: Text | None = None
    text: Text | None = None
    image: Text | None = None
    link: Text | None = None
    coupon: Text | None = None


class Variation(_Table, frozen=True):
    """What is shown; ``weight`` counts where ``choose = "split"``. Locales: ``de``, ``de-AT``."""

    headline: Text
    text: Text = ""
    image: Text = ""
    link: Text = ""
    coupon: Text = ""
    weight: Positive = 1.0
    locales: dict[
        Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$")],
        LocalContent,
    ] = {}

    def texts(self, locale: str) -> dict[str, str]:
        """Return what is shown in a language, that of the variation where it says nothing.

        >>> both = Variation(headline="Hello", locales={"de": LocalContent(headline="Hallo")})
        >>> both.texts("de-AT")["headline"], both.texts("fr")["headline"]
        ('Hallo', 'Hello')
        """
        own = self._local(locale)
        return {
            name: getattr(self, name)
            if own is None or getattr(own, name) is None
            else getattr(own, name)
            for name in Content.__struct_fields__
        }

    def _local(self, locale: str) -> LocalContent | None:
        if not self.locales:
            return None
        wanted = locale.replace("_", "-").lower()
        by_name = {name.lower(): content for name, content in self.locales.items()}
        while wanted:
            if wanted in by_name:
                return by_name[wanted]
            wanted = wanted.rpartition("-")[0]
        return None


class Cap(_Table, frozen=True):
    """At most so many impressions per visitor within so many days, in a channel or in all."""

    times: Annotated[
        int,
        msgspec.Meta(ge=1, le=MAX_CAP_TIMES, description=f"a whole number, 1 to {MAX_CAP_TIMES}"),
    ]
    days: Annotated[float, msgspec.Meta(gt=0, le=365, description="days, above 0 and at most 365")]
    channel: Channel | None = None


class Campaign(_Table, frozen=True):
    """A campaign; it may be shown where all holds that it says.

    ``segments``: the visitor is in at least one of them. ``starts`` and ``ends`` know their zone,
    ``days`` and ``hours`` are those of ``time_zone``. ``cooldown_days`` follow a dismissal.

    Of those that may be shown the ones with the highest ``priority`` are chosen from: by what is
    ``learned``, by the weights of the variations (``split``, the same for a visitor each time), or
    the ``first`` variation of the first campaign in the file. A click counts until
    ``click_minutes`` after the impression, an order until ``order_hours``; ``margin_rate`` of an
    order is earned before the discount. The fields from ``discount_rate`` on are of offers.
    """

    placements: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            min_length=1,
            max_length=20,
            description="names of placements, all banners or all offers",
        ),
    ]
    variations: Annotated[
        dict[Name, Variation],
        msgspec.Meta(
            min_length=1, max_length=20, description='1 to 20 tables { headline = "…", … } by name'
        ),
    ]
    when: Annotated[
        str, msgspec.Meta(max_length=2000, description="a condition in CEL, true or false")
    ] = ""
    segments: Annotated[
        tuple[str, ...], msgspec.Meta(max_length=20, description="names of [segments.NAME]")
    ] = ()
    starts: datetime | None = None
    ends: datetime | None = None
    days: Annotated[
        tuple[Day, ...],
        msgspec.Meta(description="a list of mon, tue, wed, thu, fri, sat, sun"),
    ] = ()
    hours: Annotated[
        tuple[str, ...], msgspec.Meta(max_length=10, description='a list such as ["09:00-18:00"]')
    ] = ()
    time_zone: str = "UTC"
    priority: Annotated[
        int, msgspec.Meta(ge=-100, le=100, description="a whole number from -100 to 100")
    ] = 0
    overlay: Truth = False
    caps: Annotated[
        tuple[Cap, ...],
        msgspec.Meta(
            max_length=5, description='a list of { times = 3, days = 7, channel = "web" }'
        ),
    ] = ()
    cooldown_days: Annotated[
        float, msgspec.Meta(ge=0, le=3650, description="days, from 0 to 3650")
    ] = 0.0
    stop_after_order: Truth = False
    choose: Choose = "learned"
    goal: Goal | None = None
    reason: Text = ""
    click_minutes: Annotated[
        float, msgspec.Meta(gt=0, le=1440, description="minutes, above 0 and at most 1440")
    ] = 2.0
    order_hours: Annotated[
        float, msgspec.Meta(gt=0, le=720, description="hours, above 0 and at most 720")
    ] = 24.0
    margin_rate: Share = 1.0
    discount_rate: Share = 0.0
    budget_per_day: Positive | None = None
    holdout_rate: HoldoutRate | None = None

    def schedule(self) -> Schedule:
        """Return when it is on."""
        return schedule_of(self.starts, self.ends, self.days, self.hours, self.time_zone)


OF_OFFERS = ("discount_rate", "budget_per_day", "holdout_rate")


class Segment(_Table, frozen=True):
    """``[segments.NAME]``: a condition with a name."""

    when: Condition


@dataclass(frozen=True, slots=True)
class Campaigns:
    """All of a file; ``offers`` are the names of the campaigns that are offers."""

    campaigns: Mapping[str, Campaign] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    offers: frozenset[str] = frozenset()
    time_zone: str = "UTC"
    experiments: Experiments = field(default_factory=dict)
    margin_rate: float = 1.0

    def goal_of(self, name: str) -> Goal:
        """Return what a campaign is for: of banners clicks, of offers margin, unless it says it."""
        return self.campaigns[name].goal or ("margin" if name in self.offers else "click")

    def weighs_nothing(self, name: str) -> bool:
        """Tell whether making no offer is an arm, too: what is learned is worth, not whether."""
        return name in self.offers and self.goal_of(name) == "margin"

    def arms_of(self, name: str) -> tuple[str, ...]:
        """Return the variations of a campaign as policies name them."""
        return tuple(f"{name}/{variation}" for variation in self.campaigns[name].variations)

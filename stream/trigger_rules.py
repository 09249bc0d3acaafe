"""Pure: the triggers in force, made ready once for all events, by the acts that they wait for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from config.commerce import Name
from config.conditions import Test, compile_for_customers, needed_fields
from config.durations import duration_ms
from config.fired import Why
from config.schedules import Schedule, schedule_of
from config.triggers import (
    AbsenceTrigger,
    EventTrigger,
    ForecastTrigger,
    ProductTrigger,
    Quiet,
    QuietHours,
    Trigger,
    Triggers,
)
from stream.quiet_times import QuietTimes

KNOWN, MARKETING = 1, 2  # there is a user id; marketing may speak to the user

_OF_CARTS = frozenset(
    name for name in Name if name.startswith(("Cart", "Checkout", "Payment")) or "Added" in name
)


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A trigger made ready; ``place`` is its place in the file, times are ms.

    ``wait_ms``: how long an absence lasts; ``is_timed``: time makes it complete; ``window_ms``: in
    which ``times`` acts lie. ``tests`` are the condition, ``segments`` those of which one must
    hold. ``about``: which products it is about, where nothing else says it. ``unless``: acts that
    stop it; ``needs``: whom it may speak to, bits of ``UserState.reach``.
    """

    name: str
    place: int
    trigger: Trigger
    why: Why
    wait_ms: int
    times: int
    window_ms: int
    is_idle: bool
    is_timed: bool
    quiet: Quiet
    once_ms: int
    valid_ms: int
    tests: tuple[Test, ...]
    segments: tuple[Test, ...]
    about: str
    unless: tuple[str, ...]
    needs: int

    @property
    def all_tests(self) -> tuple[Test, ...]:
        """Return all conditions that it may ask."""
        return (*self.tests, *self.segments)


@dataclass(frozen=True, slots=True, eq=False)
class Roles:
    """What an act means: it stops what some wait for, starts the wait of some, some count it."""

    stops: tuple[Rule, ...] = ()
    starts: tuple[Rule, ...] = ()
    counts: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """All triggers; ``caps`` are pairs of times and ms by channel.

    ``by_act`` holds what acts mean of who said yes to marketing, ``by_act_of_others`` of who did
    not: of them nothing is kept for triggers that would need it. ``least_idle_ms``: the shortest
    time after which an idle wait is over.
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    by_act: Mapping[str, Roles] = field(default_factory=dict)
    by_act_of_others: Mapping[str, Roles] = field(default_factory=dict)
    idle: tuple[Rule, ...] = ()
    least_idle_ms: int = 0
    products: tuple[Rule, ...] = ()
    forecasts: tuple[Rule, ...] = ()
    caps: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    quiet: QuietTimes = field(default_factory=QuietTimes)
    needed: Mapping[str, frozenset[str] | None] = field(default_factory=dict)


NO_TRIGGERS = InForce()


def made_ready(triggers: Triggers) -> InForce:
    """Return the triggers of a file, which must have been checked, made ready."""
    then: Quiet = "ignore" if triggers.quiet is None else triggers.quiet.then
    rules = {
        name: _ready(name, place, trigger, triggers.segments, then)
        for place, (name, trigger) in enumerate(triggers.triggers.items())
    }
    idle = tuple(rule for rule in rules.values() if rule.is_idle)
    return InForce(
        rules,
        _by_act(rules.values()),
        _by_act(rule for rule in rules.values() if not rule.needs & MARKETING),
        idle,
        min((rule.wait_ms for rule in idle), default=0),
        tuple(rule for rule in rules.values() if rule.why == "product"),
        tuple(rule for rule in rules.values() if rule.why == "forecast"),
        {
            channel: tuple((cap.times, duration_ms(cap.within)) for cap in caps)
            for channel, caps in triggers.caps.items()
        },
        QuietTimes(None if triggers.quiet is None else _schedule(triggers.quiet)),
        needed_fields(test for rule in rules.values() for test in rule.all_tests),
    )


def _ready(
    name: str, place: int, trigger: Trigger, segments: Mapping[str, str], then: Quiet
) -> Rule:
    why: Why = "forecast"
    wait_ms, times, window_ms, is_idle, about = 0, 1, 0, False, "viewed"
    if isinstance(trigger, EventTrigger):
        why, times, about = "event", trigger.times, _about([trigger.event])
        window_ms = duration_ms(trigger.within) if trigger.within else 0
    elif isinstance(trigger, AbsenceTrigger):
        why, wait_ms, is_idle = "absence", duration_ms(trigger.lasting), trigger.idle
        about = _about(trigger.after)
    elif isinstance(trigger, ProductTrigger):
        why, window_ms = "product", duration_ms(trigger.within)
    return Rule(
        name=name,
        place=place,
        trigger=trigger,
        why=why,
        wait_ms=wait_ms,
        times=times,
        window_ms=window_ms,
        is_idle=is_idle,
        is_timed=why in ("absence", "forecast"),
        quiet=trigger.quiet or then,
        once_ms=duration_ms(trigger.once_in) if trigger.once_in else 0,
        valid_ms=duration_ms(trigger.valid),
        tests=(compile_for_customers(trigger.when),) if trigger.when else (),
        segments=tuple(compile_for_customers(segments[one]) for one in trigger.segments),
        about="bought" if isinstance(trigger, ForecastTrigger) else about,
        unless=getattr(trigger, "unless", ()),
        needs=(0 if trigger.anonymous else KNOWN)
        + (MARKETING if trigger.consent == "marketing" else 0),
    )


def _about(acts: Iterable[str]) -> str:
    """Return which products acts are about."""
    named = set(acts)
    if named & _OF_CARTS:
        return "cart"
    return "bought" if Name.ORDER_COMPLETED in named else "viewed"


def _by_act(rules: Iterable[Rule]) -> dict[str, Roles]:
    stops: dict[str, list[Rule]] = {}
    starts: dict[str, list[Rule]] = {}
    counts: dict[str, list[Rule]] = {}
    for rule in rules:
        trigger = rule.trigger
        if isinstance(trigger, EventTrigger | AbsenceTrigger):
            for act in dict.fromkeys(trigger.unless):
                stops.setdefault(act, []).append(rule)
        if isinstance(trigger, AbsenceTrigger):
            for act in dict.fromkeys(trigger.after):
                starts.setdefault(act, []).append(rule)
        elif isinstance(trigger, EventTrigger):
            counts.setdefault(trigger.event, []).append(rule)
    return {
        act: Roles(
            tuple(stops.get(act, ())), tuple(starts.get(act, ())), tuple(counts.get(act, ()))
        )
        for act in (*stops, *starts, *counts)
    }


def _schedule(quiet: QuietHours) -> Schedule:
    return schedule_of(None, None, quiet.days, quiet.hours, quiet.time_zone)

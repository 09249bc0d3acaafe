"""Reads the tables of ``triggers.toml`` that say what fires, and tells what is wrong there."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from config.campaign_tables import InvalidTable, named, no_time_zone, read_table
from config.conditions import InvalidCondition, compile_for_customers
from config.durations import duration_ms
from config.placements import Placement
from config.schedules import is_time_zone, problems_of_hours
from config.table_errors import unknown
from config.toml_lines import Path
from config.trigger_file import TriggerTables
from config.triggers import (
    KINDS,
    MAX_TRIGGERS,
    AbsenceTrigger,
    ChannelCap,
    EventTrigger,
    ProductTrigger,
    QuietHours,
    Trigger,
    Triggers,
)

MAX_CHANNELS = 16
Problems = Iterator[tuple[Path, str]]


class Around(NamedTuple):
    """What triggers are checked against: conditions of segments by name, and the settings."""

    placements: Mapping[str, Placement]
    segments: Mapping[str, str]
    retention_ms: int


def read_triggers(tables: TriggerTables, around: Around) -> Triggers:
    """Return the triggers of a file, with caps and quiet hours.

    Raises:
        InvalidFile: they have mistakes; all of them are told, in the order of their lines.
    """
    found: list[tuple[Path, str]] = []
    triggers: dict[str, Trigger] = {}
    for name, table in tables.triggers.items():
        try:
            triggers[name] = _read_trigger(name, table)
        except InvalidTable as error:
            found.append((error.path, error.problem))
    if len(triggers) > MAX_TRIGGERS:
        found.append((("triggers",), f"{len(triggers)} of them; allowed: {MAX_TRIGGERS}"))
    caps = _read_caps(tables.caps, found)
    quiet = _read_quiet(tables.quiet_hours, found) if tables.quiet_hours else None
    for name, trigger in triggers.items():
        problems = _of_trigger(trigger, around)
        found += [(("triggers", name, *inner), problem) for inner, problem in problems]
    tables.refuse_if(found)
    used = {name for trigger in triggers.values() for name in trigger.segments}
    segments = {name: around.segments[name] for name in used & around.segments.keys()}
    return Triggers(triggers, caps, quiet, segments)


def _read_trigger(name: str, table: object) -> Trigger:
    path = named("triggers", name)
    if not isinstance(table, dict):
        raise InvalidTable(path, "a table is allowed here")
    kind = KINDS.get(str(table.get("on")))
    if kind is None:
        allowed = ", ".join(repr(known) for known in KINDS)
        said = f"{table['on']!r}; " if "on" in table else ""
        raise InvalidTable((*path, "on") if said else path, f"on: {said}allowed: {allowed}")
    return read_table(table, kind, path)


def _read_caps(
    tables: Mapping[str, Any], found: list[tuple[Path, str]]
) -> dict[str, tuple[ChannelCap, ...]]:
    caps: dict[str, tuple[ChannelCap, ...]] = {}
    if len(tables) > MAX_CHANNELS:
        found.append((("caps",), f"{len(tables)} channels; allowed: {MAX_CHANNELS}"))
    for channel, listed in tables.items():
        path: Path = ("caps", channel)
        if not isinstance(listed, list) or not 1 <= len(listed) <= 5:
            found.append((path, 'allowed: a list of 1 to 5 { times = 1, within = "1 day" }'))
            continue
        try:
            caps[channel] = tuple(
                read_table(one, ChannelCap, (*path, place)) for place, one in enumerate(listed)
            )
        except InvalidTable as error:
            found.append((error.path, error.problem))
    return caps


def _read_quiet(table: Mapping[str, Any], found: list[tuple[Path, str]]) -> QuietHours | None:
    path: Path = ("quiet_hours",)
    try:
        quiet = read_table(table, QuietHours, path)
    except InvalidTable as error:
        found.append((error.path, error.problem))
        return None
    problems = [((*path, "hours", place), why) for place, why in problems_of_hours(quiet.hours)]
    if not is_time_zone(quiet.time_zone):
        problems.append(((*path, "time_zone"), no_time_zone(quiet.time_zone)))
    found += problems
    return None if problems else quiet


def _of_trigger(trigger: Trigger, around: Around) -> Problems:
    for place, name in enumerate(trigger.placements):
        if name not in around.placements:
            yield ("placements", place), unknown(name, "placement", around.placements)
    if trigger.when:
        yield from _of_condition(("when",), trigger.when)
    for place, name in enumerate(trigger.segments):
        if name not in around.segments:
            yield ("segments", place), unknown(name, "segment of campaigns", around.segments)
        else:
            yield from _of_condition(("segments", place), around.segments[name])
    for field in ("once_in", "within", "lasting"):
        text = getattr(trigger, field, None)
        if text is not None and duration_ms(text) > around.retention_ms:
            yield (field,), _too_long(text, around.retention_ms)
    yield from _of_kind(trigger)


def _of_kind(trigger: Trigger) -> Problems:
    if isinstance(trigger, EventTrigger):
        if trigger.times > 1 and trigger.within is None:
            yield ("times",), 'allowed with within, such as within = "7 days"'
        if trigger.times == 1 and trigger.within is not None:
            yield ("within",), "allowed with times, from 2 on"
        if trigger.event in trigger.unless:
            yield ("unless",), f"{trigger.event!r} is what it counts; allowed: other acts"
    elif isinstance(trigger, AbsenceTrigger):
        both = set(trigger.after) & set(trigger.unless)
        if both:
            yield ("unless",), f"{min(both)!r} begins the wait; allowed: acts that are not in after"
    elif isinstance(trigger, ProductTrigger) and trigger.by and trigger.change != "price_drop":
        yield ("by",), 'allowed with change = "price_drop"'


def _of_condition(path: Path, source: str) -> Problems:
    try:
        compile_for_customers(source)
    except InvalidCondition as error:
        yield path, str(error)


def _too_long(text: str, retention_ms: int) -> str:
    days = retention_ms // duration_ms("1 day")
    return (
        f"{text!r}, but a user who is not seen for {days} days is forgotten; allowed: up to that, "
        "or a longer [profile] user_retention_days"
    )

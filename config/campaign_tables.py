"""Reads one table of a file of campaigns each, and says in which field of it a mistake is."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from config.campaigns import Campaign, LocalContent, Segment, Variation
from config.errors import SettingsError
from config.experiments import Name
from config.schedules import is_time_zone
from config.table_errors import allowed_by, table_error
from config.toml_lines import Path

_T = TypeVar("_T")
_PART = re.compile(r"[^.\[\]]+")


class InvalidTable(SettingsError):
    """A table that cannot be read: where in the file, and what is allowed there."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem


def read_segment(name: str, table: object) -> Segment:
    """Return a segment.

    Raises:
        InvalidTable: it is none.
    """
    return read_table(table, Segment, named("segments", name))


def read_campaign(name: str, table: object, defaults: Mapping[str, Any]) -> Campaign:
    """Return a campaign; what it does not say itself is said by the file's ``defaults``.

    Raises:
        InvalidTable: it is none.
    """
    path = named("campaigns", name)
    fields: dict[str, Any] = {**defaults, **_table(table, path)}
    variations = _table(fields.get("variations", {}), (*path, "variations"))
    read = {
        one: _read_variation(variation, named(*path, "variations", one))
        for one, variation in variations.items()
    }
    zone = fields["time_zone"]
    if not isinstance(zone, str) or not is_time_zone(zone):
        raise InvalidTable((*path, "time_zone"), no_time_zone(zone))
    times = {
        field: _moment(fields[field], ZoneInfo(zone), (*path, field))
        for field in ("starts", "ends")
        if field in fields
    }
    fields |= times | {"variations": read}
    return read_table(fields, Campaign, path)


def no_time_zone(name: object) -> str:
    """Return what is allowed instead of something that is no time zone."""
    return f'{name!r} is no time zone that is known here; allowed: such as "Europe/Berlin"'


def _read_variation(table: object, path: Path) -> Variation:
    fields = _table(table, path)
    locales = _table(fields.get("locales", {}), (*path, "locales"))
    read = {
        one: read_table(local, LocalContent, (*path, "locales", one))
        for one, local in locales.items()
    }
    return read_table({**fields, "locales": read}, Variation, path)


def _moment(value: object, zone: ZoneInfo, path: Path) -> datetime:
    """Return a moment with its zone; as the end, a date stands for all of its day."""
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=zone)
    if isinstance(value, date):
        try:
            day = value + timedelta(days=1) if path[-1] == "ends" else value
        except OverflowError as error:
            raise InvalidTable(path, f"{value}; allowed: up to 9999-12-30, or no end") from error
        return datetime.combine(day, time(), zone)
    allowed = "a date such as 2026-12-24, or a time such as 2026-12-24T18:00:00"
    raise InvalidTable(path, f"{value!r}; allowed: {allowed}")


def named(*path: str | int) -> Path:
    """Return the path of a table whose name, the last part, may be one.

    Raises:
        InvalidTable: it may not.
    """
    try:
        msgspec.convert(path[-1], Name)
    except msgspec.ValidationError as error:
        raise InvalidTable(path, f"allowed names: {allowed_by(Name)}") from error
    return path


def _table(value: object, path: Path) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidTable(path, "a table is allowed here")
    return value


def read_table(table: object, kind: type[_T], path: Path) -> _T:
    """Return what a table holds.

    Raises:
        InvalidTable: it holds something else.
    """
    try:
        return msgspec.convert(_table(table, path), kind)
    except msgspec.ValidationError as error:
        field, problem = table_error(kind, str(error))
        inner = (int(part) if part.isdigit() else part for part in _PART.findall(field))
        raise InvalidTable((*path, *inner), problem) from error

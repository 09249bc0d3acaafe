"""Reads a file of campaigns; says of each mistake in which line it is, and what is allowed."""

import tomllib
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from config.campaign_problems import all_problems
from config.campaign_tables import InvalidTable, no_time_zone, read_campaign, read_segment
from config.campaigns import MAX_CAMPAIGNS, Campaigns
from config.errors import SettingsError
from config.experiment_checks import problems_of_experiments, read_experiment
from config.placements import Offer, Placement, Share
from config.schedules import is_time_zone
from config.table_errors import allowed_by, unknown
from config.toml_lines import Path, line_of

MAX_BYTES = 2_000_000
TOLD_MISTAKES = 5
_NAMES = ("campaigns", "experiments", "margin_rate", "segments", "time_zone")
_T = TypeVar("_T")


class Mistake(NamedTuple):
    """One mistake: its place as a path of keys, its line from 1, and what is allowed."""

    path: Path
    line: int
    problem: str

    def __str__(self) -> str:
        place = f"{'.'.join(map(str, self.path))}: " if self.path else ""
        return f"line {self.line}: {place}{self.problem}"


class InvalidCampaigns(SettingsError):
    """A file that cannot be in force, and all mistakes that were found in it."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        told = "; ".join(map(str, mistakes[:TOLD_MISTAKES]))
        more = len(mistakes) - TOLD_MISTAKES
        super().__init__(f"{told}; and {more} more" if more > 0 else told)
        self.mistakes = mistakes


def read_campaigns(text: str | bytes, placements: Mapping[str, Placement]) -> Campaigns:
    """Return the campaigns of a file, checked against the placements of the shop.

    ``text`` may be the bytes of the file, which must be UTF-8.

    Raises:
        InvalidCampaigns: it has mistakes; all of them are told, in the order of their lines.
    """
    if len(text) > MAX_BYTES:
        raise InvalidCampaigns([Mistake((), 1, f"allowed: at most {MAX_BYTES:,} letters")])
    if isinstance(text, bytes):
        text = _decoded(text)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidCampaigns([_syntax(text, str(error))]) from error
    except (ValueError, RecursionError) as error:  # numbers and nesting beyond all measure
        line = _first_unreadable_line(text)
        raise InvalidCampaigns([Mistake((), line, f"this cannot be read: {error}")]) from error
    campaigns, found = _read(tables, placements)
    found += all_problems(campaigns, placements)
    if found:
        mistakes = [Mistake(path, line_of(text, path), problem) for path, problem in found]
        raise InvalidCampaigns(sorted(mistakes, key=lambda mistake: mistake.line))
    return campaigns


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidCampaigns([Mistake((), line, f"this is not UTF-8: {error.reason}")]) from error


def _first_unreadable_line(text: str) -> int:
    """Return the line at which reading fails for another reason than that this is not TOML."""
    lines = text.splitlines(keepends=True)

    def is_unreadable(n_lines: int) -> bool:
        try:
            tomllib.loads("".join(lines[:n_lines]))
        except tomllib.TOMLDecodeError:
            return False  # it breaks off before
        except (ValueError, RecursionError):
            return True
        return False

    return bisect_left(range(len(lines)), True, key=is_unreadable)


def _syntax(text: str, error: str) -> Mistake:
    what, _, place = error.partition(" (at ")
    words = place.rstrip(")").replace(",", "").split()
    line = int(words[1]) if words[:1] == ["line"] else text.count("\n") + 1
    return Mistake((), line, f"this is not TOML: {what[:1].lower()}{what[1:]}")


def _read(
    tables: Mapping[str, Any], placements: Mapping[str, Placement]
) -> tuple[Campaigns, list[tuple[Path, str]]]:
    """Return what can be read, and what is wrong with the rest."""
    found: list[tuple[Path, str]] = [
        ((name,), unknown(name, "table of this file", _NAMES))
        for name in tables
        if name not in _NAMES
    ]
    zone = tables.get("time_zone", "UTC")
    if not isinstance(zone, str) or not is_time_zone(zone):
        found.append((("time_zone",), no_time_zone(zone)))
        zone = "UTC"
    margin_rate = tables.get("margin_rate", 1.0)
    if not isinstance(margin_rate, int | float) or not 0 <= margin_rate <= 1:
        found.append((("margin_rate",), f"{margin_rate!r}; allowed: {allowed_by(Share)}"))
        margin_rate = 1.0
    segments = _read_each("segments", tables, read_segment, found)
    defaults = {"time_zone": zone, "margin_rate": margin_rate}
    campaigns = _read_each(
        "campaigns", tables, lambda name, table: read_campaign(name, table, defaults), found
    )
    if len(campaigns) > MAX_CAMPAIGNS:
        problem = f"{len(campaigns):,} of them; allowed: {MAX_CAMPAIGNS:,}"
        found.append((("campaigns",), problem))
    offers = frozenset(
        name
        for name, campaign in campaigns.items()
        if any(isinstance(placements.get(one), Offer) for one in campaign.placements)
    )
    experiments = _read_each("experiments", tables, read_experiment, found)
    found += problems_of_experiments(experiments, placements, campaigns)
    return Campaigns(campaigns, segments, offers, zone, experiments, margin_rate), found


def _read_each(
    kind: str,
    tables: Mapping[str, Any],
    read: Callable[[str, object], _T],
    found: list[tuple[Path, str]],
) -> dict[str, _T]:
    values: dict[str, _T] = {}
    named = tables.get(kind, {})
    if not isinstance(named, dict):
        found.append(((kind,), f"tables [{kind}.NAME] are allowed"))
        return values
    for name, table in named.items():
        try:
            values[name] = read(name, table)
        except InvalidTable as error:
            found.append((error.path, error.problem))
    return values

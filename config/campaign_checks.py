"""Reads a file of campaigns; says of each mistake in which line it is, and what is allowed."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from config.campaign_problems import all_problems
from config.campaign_tables import InvalidTable, no_time_zone, read_campaign, read_segment
from config.campaigns import MAX_CAMPAIGNS, Campaigns
from config.experiment_checks import problems_of_experiments, read_experiment
from config.mistakes import InvalidFile, placed, read_tables
from config.placements import Offer, Placement, Share
from config.schedules import is_time_zone
from config.table_errors import allowed_by, unknown
from config.toml_lines import Path

_NAMES = ("campaigns", "experiments", "margin_rate", "segments", "time_zone")
_T = TypeVar("_T")


def read_campaigns(text: str | bytes, placements: Mapping[str, Placement]) -> Campaigns:
    """Return the campaigns of a file, checked against the placements of the shop.

    ``text`` may be the bytes of the file, which must be UTF-8.

    Raises:
        InvalidFile: it has mistakes. Of a table that cannot be read the first is told, and of all
            others what does not go together; in the order of their lines.
    """
    text, tables = read_tables(text)
    campaigns, found = _read(tables, placements)
    found += all_problems(campaigns, placements, _names("segments", tables))
    if found:
        raise InvalidFile(placed(text, found))
    return campaigns


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
    found += problems_of_experiments(experiments, placements, _names("campaigns", tables))
    return Campaigns(campaigns, segments, offers, zone, experiments, margin_rate), found


def _names(kind: str, tables: Mapping[str, Any]) -> Collection[str]:
    """Return what may be named: also tables that cannot be read, which is told of themselves."""
    named = tables.get(kind, {})
    return named if isinstance(named, dict) else ()


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

"""Reads a file of campaigns for commands; servers read theirs themselves, again and again."""

from collections.abc import Mapping
from pathlib import Path

from config.campaign_checks import read_campaigns
from config.campaigns import Campaigns
from config.errors import SettingsError
from config.placements import Placement


def read_campaign_file(path: Path, placements: Mapping[str, Placement]) -> Campaigns:
    """Return the campaigns of a file, checked against the placements of the shop.

    Raises:
        InvalidFile: it has mistakes.
        SettingsError: there is no such file, or it may not be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    return read_campaigns(data, placements)

"""Keeps the triggers of a file in force, and looks again and again whether it has changed.

A file with mistakes changes nothing: the last good version stays in force, and that is said; who
starts has none, and does not start. What a trigger names of campaigns.toml are its segments; when
that file changes, this one is read again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import structlog

from config.campaign_tables import InvalidTable, read_segment
from config.durations import DAY_MS
from config.errors import SettingsError
from config.file_versions import FileVersion, version_of
from config.mistakes import InvalidFile, read_tables
from config.placements import Placement
from config.settings import Settings
from config.trigger_checks import Around, read_triggers
from config.trigger_file import read_trigger_tables
from config.triggers import Triggers
from stream.trigger_rules import NO_TRIGGERS, InForce, made_ready

log = structlog.get_logger()


class Files(NamedTuple):
    """The files, and what they are checked against."""

    triggers: Path
    campaigns: Path
    placements: Mapping[str, Placement]
    retention_ms: int

    def read(self) -> Triggers:
        """Return the triggers of the file.

        Raises:
            InvalidFile: it has mistakes.
            OSError: it cannot be read.
        """
        around = Around(self.placements, read_segments(self.campaigns), self.retention_ms)
        return read_triggers(read_trigger_tables(self.triggers.read_bytes()), around)


def files_of(settings: Settings) -> Files:
    """Return the files that the settings name."""
    return Files(
        Path(settings.delivery.triggers_file),
        Path(settings.decision.campaigns_file),
        settings.placements,
        settings.profile.user_retention_days * DAY_MS,
    )


class TriggerFile:
    """The triggers in force; without a file there are none."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._seen: tuple[FileVersion | None, FileVersion | None] = (None, None)

    def load(self) -> InForce:
        """Return the triggers to begin with; without a file there are none.

        Raises:
            SettingsError: the file is there, but has mistakes: no good version is known.
        """
        self._seen = self._versions()
        if self._seen[0] is None:
            return NO_TRIGGERS
        read = self._read()
        if isinstance(read, str):
            raise SettingsError(
                f"[delivery] triggers_file {self._files.triggers}: {read}; "
                "shopkeeper triggers check tells all of it"
            )
        log.info("triggers_in_force", n_triggers=len(read.rules))
        return read

    def look(self) -> InForce | None:
        """Return the triggers where there is a good new version of them, None where there is not.

        The last good version stays in force where the newest has mistakes.
        """
        before, self._seen = self._seen, self._versions()
        seen = self._seen
        if seen == before or (seen[0] is None and before[0] is None):
            return None
        read = self._read()
        if isinstance(read, str):
            log.error("triggers_refused", file=str(self._files.triggers), mistakes=read)
            return None
        log.info("triggers_in_force", n_triggers=len(read.rules))
        return read

    def _versions(self) -> tuple[FileVersion | None, FileVersion | None]:
        return _seen(self._files.triggers), _seen(self._files.campaigns)

    def _read(self) -> InForce | str:
        """Return the triggers, or what is wrong with the file."""
        try:
            return made_ready(self._files.read())
        except InvalidFile as error:
            return str(error)
        except FileNotFoundError:
            return "it is gone; an empty file takes all triggers out of force"
        except OSError as error:
            return f"it cannot be read: {error.strerror}"


def read_segments(path: Path) -> dict[str, str]:
    """Return the conditions of the segments of a file of campaigns that can be read, by name.

    Mistakes in it are told by ``shopkeeper campaigns check``, and by the servers.
    """
    try:
        _, tables = read_tables(path.read_bytes())
    except (OSError, InvalidFile):
        return {}
    found, segments = tables.get("segments"), {}
    for name, table in found.items() if isinstance(found, dict) else ():
        try:
            segments[name] = read_segment(name, table).when
        except InvalidTable:
            continue
    return segments


def _seen(path: Path) -> FileVersion | None:
    try:
        return version_of(path.stat())
    except OSError:
        return None

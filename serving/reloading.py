"""Keeps the campaigns of a file in force, and looks twice a second whether it has changed.

A file with mistakes changes nothing: the last good version stays in force, and is told to be old.
"""

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

import structlog

from config.campaign_checks import read_campaigns
from config.file_versions import FileVersion, version_of
from config.mistakes import InvalidFile
from config.placements import Placement
from serving.campaigns import NO_CAMPAIGNS, InForce, made_ready

LOOK_SECONDS = 0.5

log = structlog.get_logger()


class FileState(StrEnum):
    """How it stands with the file; the closed set that ``/readyz`` answers with."""

    NONE = "none"
    IN_FORCE = "in_force"
    NEWEST_REFUSED = "newest_refused"


class CampaignFile:
    """A file of campaigns; ``use`` is told each good version, ``tell`` each change of its state.

    ``tell`` gets how many campaigns are in force.
    """

    def __init__(
        self,
        path: Path,
        placements: Mapping[str, Placement],
        use: Callable[[InForce], None],
        tell: Callable[[FileState, int], None] = lambda *_: None,
    ) -> None:
        self.state = FileState.NONE
        self._path = path
        self._placements = placements
        self._use = use
        self._tell = tell
        self._in_force = NO_CAMPAIGNS
        self._seen: FileVersion | None = None

    def load(self) -> None:
        """Read the file now; without one there are no campaigns."""
        self._seen = _seen(self._path)
        if self._seen is not None:
            self._take(_read(self._path, self._placements))

    async def run(self) -> None:
        """Follow the file until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            seen = _seen(self._path)
            if seen == self._seen:
                continue
            self._seen = seen
            # Conditions take a while to compile; requests go on meanwhile.
            self._take(await asyncio.to_thread(_read, self._path, self._placements))

    def _take(self, read: "InForce | str") -> None:
        if isinstance(read, InForce):
            self._in_force = read
            self._use(read)
            self.state = FileState.IN_FORCE
            log.info("campaigns_in_force", n_campaigns=len(read.campaigns))
        else:
            self.state = FileState.NEWEST_REFUSED
            log.error("campaigns_refused", file=str(self._path), mistakes=read)
        self._tell(self.state, len(self._in_force.campaigns))


def _seen(path: Path) -> FileVersion | None:
    try:
        return version_of(path.stat())
    except OSError:
        return None


def _read(path: Path, placements: Mapping[str, Placement]) -> InForce | str:
    """Return the campaigns, or what is wrong with the file."""
    try:
        return made_ready(read_campaigns(path.read_bytes(), placements))
    except InvalidFile as error:
        return str(error)
    except FileNotFoundError:
        return "it is gone; an empty file takes all campaigns out of force"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"

"""What the doctor says of one thing: how bad it is, what was found, and what to do."""

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How bad it is; FAIL means that events are refused, lost or not applied."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


class Finding(NamedTuple):
    """One thing looked at, what was found, and what to do unless it is OK."""

    name: str
    level: Level
    found: str
    advice: str = ""


def finding(name: str, level: Level, found: str, advice: str) -> Finding:
    """Return a finding, with the advice only where there is something to do."""
    return Finding(name, level, found, "" if level is Level.OK else advice)

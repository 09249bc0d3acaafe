"""The file of triggers, ``triggers.toml``: read once, its parts given to those who read them.

Who fires reads ``triggers``, ``caps`` and ``quiet_hours``; who delivers reads ``receivers``.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from config.mistakes import InvalidFile, placed, read_tables
from config.table_errors import unknown
from config.toml_lines import Path

_NAMES = ("caps", "quiet_hours", "receivers", "triggers")


class TriggerTables(NamedTuple):
    """The parts of the file as they are read, and its text, in which mistakes have a line."""

    text: str
    triggers: Mapping[str, Any]
    receivers: Mapping[str, Any]
    caps: Mapping[str, Any]
    quiet_hours: Mapping[str, Any]

    def refuse_if(self, found: Iterable[tuple[Path, str]]) -> None:
        """Refuse the file where something is wrong with it.

        Raises:
            InvalidFile: there is a mistake; all of them are told, in the order of their lines.
        """
        mistakes = placed(self.text, found)
        if mistakes:
            raise InvalidFile(mistakes)


def read_trigger_tables(text: str | bytes) -> TriggerTables:
    """Return the parts of the file; one that is not there is empty.

    >>> sorted(read_trigger_tables("[triggers.idle]").triggers)
    ['idle']

    Raises:
        InvalidFile: it is no TOML, or has other tables than these.
    """
    text, tables = read_tables(text)
    found: list[tuple[Path, str]] = [
        ((name,), unknown(name, "table of this file", _NAMES))
        for name in tables
        if name not in _NAMES
    ]
    found += [
        ((name,), f"tables [{name}] or [{name}.NAME] are allowed")
        for name in _NAMES
        if not isinstance(tables.get(name, {}), dict)
    ]
    if found:
        raise InvalidFile(placed(text, found))
    parts = {name: tables.get(name, {}) for name in _NAMES}
    return TriggerTables(text, **parts)

"""In which line of a TOML text a value stands; ``tomllib`` does not say.

A statement of TOML (a header, or a key with its value) is a TOML text by itself, so ``tomllib``
reads them one by one, and what it reads names their keys: no grammar is told again here.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str | int, ...]  # keys of tables, and places in lists of tables

_MAX_LINES = 1_000  # of one statement


def lines_of(text: str) -> Mapping[Path, int]:
    """Return the lines, from 1, of all paths of a text, which must be TOML."""
    lines: dict[Path, int] = {}
    for one, line in _paths(text):
        for length in range(1, len(one) + 1):
            lines.setdefault(one[:length], line)
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of a path, or of what is nearest above it.

    >>> lines = lines_of("[a]\\nb = 1\\n\\n[a.c]\\nd = { e = 2 }")
    >>> line_of(lines, ("a", "c", "d", "e")), line_of(lines, ("a", "x"))
    (5, 1)
    """
    tried = (path[:length] for length in range(len(path), 0, -1))
    return next((lines[one] for one in tried if one in lines), 1)


def _paths(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    n_tables: dict[Path, int] = {}
    for line, source, read in _statements(text):
        keys = _keys(read)
        if not source.startswith("["):
            yield (*table, *keys), line
            continue
        table = ()
        for place, key in enumerate(keys, start=1):
            table = (*table, key)
            if place == len(keys) and source.startswith("[["):
                n_tables[table] = n_tables.get(table, 0) + 1
            if table in n_tables:
                table = (*table, n_tables[table] - 1)
        yield table, line


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield the line, the source and the value of each statement; lines join until they are one."""
    begun, waiting = 0, ""
    for line, source in enumerate(text.splitlines(), start=1):
        if not waiting:
            begun = line
        waiting += f"{source}\n"
        try:
            read = tomllib.loads(waiting)
        except tomllib.TOMLDecodeError:
            if line - begun < _MAX_LINES:
                continue
            read = {}
        if read:
            yield begun, waiting.lstrip(), read
        waiting = ""


def _keys(read: Any) -> list[str]:
    """Return the keys that a statement names, from the outermost to the innermost."""
    keys = []
    while isinstance(read, dict) and len(read) == 1:
        [(key, read)] = read.items()
        keys.append(key)
        if isinstance(read, list) and read and isinstance(read[0], dict) and not read[0]:
            break
    return keys

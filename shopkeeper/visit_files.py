"""Reads files of visits for evaluations: CSV with a header, a visit a line, a column what came."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from config.errors import ShopkeeperError
from shopkeeper.load_inputs import lines_of
from shopkeeper.session_files import BrokenLine

_OUTCOMES = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class Visit(NamedTuple):
    """What was known of a visit, and whether it had the outcome."""

    features: dict[str, float | str | None]
    outcome: bool


def read_visits(path: Path, target: str, without: Sequence[str] = ()) -> list[Visit]:
    """Return the visits of a file in its order, without these columns.

    Raises:
        BrokenLine: a line has another number of fields than the header, or no outcome.
        ShopkeeperError: the file cannot be read, or lacks a column.
    """
    rows = csv.reader(_texts(path))
    names = next(rows, [])
    missing = sorted({target, *without} - set(names))
    if missing:
        raise ShopkeeperError(f"{path} has no column {missing[0]!r}; it has: {', '.join(names)}")
    left_out = {target, *without}
    place = names.index(target)
    visits = []
    for fields in rows:
        if not fields:
            continue
        if len(fields) != len(names):
            raise BrokenLine(path, rows.line_num, f"{len(names)} fields are needed")
        outcome = _OUTCOMES.get(fields[place].strip().lower())
        if outcome is None:
            raise BrokenLine(path, rows.line_num, f"{target} is {fields[place]!r}: TRUE or FALSE")
        named = zip(names, fields, strict=True)
        visits.append(Visit(dict(_known(named, left_out)), outcome))
    return visits


def _known(
    fields: Iterable[tuple[str, str]], left_out: set[str]
) -> Iterator[tuple[str, float | str | None]]:
    for name, text in fields:
        if name in left_out:
            continue
        try:
            yield name, float(text)
        except ValueError:
            yield name, text.strip() or None


def _texts(path: Path) -> Iterator[str]:
    for number, line in enumerate(lines_of(path), start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BrokenLine(path, number, "this is no UTF-8 text") from error

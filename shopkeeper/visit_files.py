"""Reads files of visits for evaluations: CSV with a header, a visit a line, a column what came."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from shopkeeper.line_files import BrokenLine, read_csv

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
    left_out = {target, *without}
    names, rows = read_csv(path, sorted(left_out))
    place = names.index(target)
    visits = []
    for number, fields in rows:
        outcome = _OUTCOMES.get(fields[place].strip().lower())
        if outcome is None:
            raise BrokenLine(path, number, f"{target} is {fields[place]!r}: TRUE or FALSE")
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

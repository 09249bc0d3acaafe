"""Reads files line by line: as bytes, as text, as CSV. Plain or gzip; a broken line is named."""

import csv
import gzip
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from config.errors import ShopkeeperError


class BrokenLine(ShopkeeperError):
    """A line of a file is not what it should be."""

    def __init__(self, path: Path, number: int, why: str) -> None:
        super().__init__(f"{path}, line {number}: {why}")
        self.path, self.number = path, number


class Rows(NamedTuple):
    """A CSV file: the names of its columns, and its rows, each with the number of its line."""

    names: list[str]
    rows: Iterator[tuple[int, list[str]]]


def lines_of(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked where its name ends in ``.gz``.

    Raises:
        ShopkeeperError: the file cannot be read, or is cut short.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise ShopkeeperError(f"{path} cannot be read to its end: {error}") from error


def texts_of(path: Path) -> Iterator[str]:
    """Yield the lines of a file of texts.

    Raises:
        BrokenLine: a line is no UTF-8.
        ShopkeeperError: the file cannot be read.
    """
    for number, line in enumerate(lines_of(path), start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BrokenLine(path, number, "this is no UTF-8 text") from error


def read_csv(path: Path, columns: Collection[str]) -> Rows:
    """Return the rows of a CSV file with a header; empty lines are passed over.

    Raises:
        BrokenLine: a line is no UTF-8, or has another number of fields than the header; also
            while the rows are read.
        ShopkeeperError: the file cannot be read, or lacks one of these columns.
    """
    rows = csv.reader(texts_of(path))

    def read() -> list[str] | None:
        try:
            return next(rows, None)
        except csv.Error as error:
            raise BrokenLine(path, rows.line_num, f"this is no CSV: {error}") from error

    names = read() or []
    missing = [name for name in columns if name not in names]
    if missing:
        there = ", ".join(names)
        raise ShopkeeperError(f"{path} has no column {missing[0]!r}; it has: {there:.200}")

    def numbered() -> Iterator[tuple[int, list[str]]]:
        while (fields := read()) is not None:
            if fields:
                if len(fields) != len(names):
                    raise BrokenLine(path, rows.line_num, f"{len(names)} fields are needed")
                yield rows.line_num, fields

    return Rows(names, numbered())

"""Reads Hillstrom's e-mail experiment: of each customer what was known, sent, and came of it.

Kevin Hillstrom, "The MineThatData E-Mail Analytics And Data Mining Challenge", 2008: 64,000
customers, men's, women's or no e-mail, each drawn with a chance of a third.
"""

from collections.abc import Iterator, Mapping
from math import isfinite, log1p
from pathlib import Path
from typing import NamedTuple

from shopkeeper.line_files import BrokenLine, read_csv

MENS, WOMENS, NOTHING = "Mens E-Mail", "Womens E-Mail", "No E-Mail"
ARMS = (MENS, WOMENS, NOTHING)
DRAWN = 1.0 / 3.0  # chance with which each was sent
FEATURES = (
    "months_since_order", "history_log", "mens", "womens", "mens_and_womens", "urban", "rural",
    "newbie", "phone", "multichannel",
)  # fmt: skip
_COLUMNS = (
    "recency", "history", "mens", "womens", "zip_code", "newbie", "channel", "segment", "visit",
    "spend",
)  # fmt: skip


class Customer(NamedTuple):
    """A line: features in the order of ``FEATURES``, what was sent, and what came of it."""

    features: list[float]
    arm: str
    visit: float
    spend: float


def read_customers(path: Path) -> Iterator[Customer]:
    """Yield the customers in the order of the file.

    Raises:
        BrokenLine: a line is not what it should be.
        ShopkeeperError: the file cannot be read, or is another one.
    """
    names, rows = read_csv(path, _COLUMNS)
    for number, fields in rows:
        row = dict(zip(names, fields, strict=True))
        try:
            yield _customer(row)
        except ValueError as error:
            raise BrokenLine(path, number, f"{error}") from error


def _customer(row: Mapping[str, str]) -> Customer:
    if row["segment"] not in ARMS:
        raise ValueError(f"segment is one of {', '.join(ARMS)}, not {row['segment']!r}")
    mens, womens = _number(row, "mens"), _number(row, "womens")
    features = [
        _number(row, "recency") / 12.0,
        log1p(max(_number(row, "history"), 0.0)) / 4.0 - 1.0,
        mens,
        womens,
        mens * womens,
        float(row["zip_code"] == "Urban"),
        float(row["zip_code"] == "Rural"),
        _number(row, "newbie"),
        float(row["channel"] == "Phone"),
        float(row["channel"] == "Multichannel"),
    ]
    return Customer(features, row["segment"], _number(row, "visit"), _number(row, "spend"))


def _number(row: Mapping[str, str], name: str) -> float:
    value = float(row[name])
    if not isfinite(value):
        raise ValueError(f"{name} is {value}: a finite number is needed")
    return value

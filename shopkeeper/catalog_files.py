"""Catalog files as products: NDJSON, CSV with Google Merchant's columns, the demo's YAML. Pure.

A line that is no product is named with why, and the others go on.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import orjson
import yaml

from config.catalog import InvalidProduct, Item, item_of

_PRICE = re.compile(r"(?:[A-Z]{3}\s*)?(\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)(?:\s*[A-Z]{3})?")
_SOLD_OUT = frozenset({"out_of_stock"})
_FOR_SALE = frozenset({"in_stock", "preorder", "backorder", "limited_availability", ""})
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # texts stay texts: an id 007 too


class CatalogFormat(StrEnum):
    """The file formats that can be imported."""

    NDJSON = "ndjson"
    CSV = "csv"
    YAML = "yaml"


class Upsert(NamedTuple):
    """A product that is new or changed, and the line that it starts on."""

    line: int
    item: Item


class Removal(NamedTuple):
    """A product that is no longer sold: ``{"id": …, "delete": true}`` in NDJSON."""

    line: int
    product_id: str


class BadLine(NamedTuple):
    """A line that is no product, and why."""

    line: int
    why: str


Found = Upsert | Removal | BadLine


@dataclass(frozen=True, slots=True)
class CatalogReading:
    """What a file held, in its order."""

    changes: list[Upsert | Removal]
    bad: list[BadLine]


def read_catalog(lines: Iterable[bytes], fmt: CatalogFormat, now: datetime) -> CatalogReading:
    """Read a whole file; ``now`` tells which sale prices count.

    >>> reading = read_catalog([b'{"id": "1", "name": "Boots"}', b"{"], CatalogFormat.NDJSON,
    ...     datetime.max)
    >>> reading.changes[0].item.name, [line for line, _ in reading.bad]
    ('Boots', [2])
    """
    readers: dict[CatalogFormat, Callable[[], Iterator[Found]]] = {
        CatalogFormat.NDJSON: lambda: _read_ndjson(lines),
        CatalogFormat.CSV: lambda: _read_csv(lines, now),
        CatalogFormat.YAML: lambda: _read_yaml(lines),
    }
    reading = CatalogReading([], [])
    for found in readers[fmt]():
        if isinstance(found, BadLine):
            reading.bad.append(found)
        else:
            reading.changes.append(found)
    return reading


def guess_format(name: str) -> CatalogFormat | None:
    """Return the format that a file's name tells, None where it tells none.

    >>> guess_format("products.yaml.gz"), guess_format("feed.tsv"), guess_format("feed.xml")
    (<CatalogFormat.YAML: 'yaml'>, <CatalogFormat.CSV: 'csv'>, None)
    """
    ending = name.lower().removesuffix(".gz").rpartition(".")[2]
    others = {"jsonl": CatalogFormat.NDJSON, "tsv": CatalogFormat.CSV, "yml": CatalogFormat.YAML}
    return others.get(ending) or next((fmt for fmt in CatalogFormat if fmt == ending), None)


def _read_ndjson(lines: Iterable[bytes]) -> Iterator[Found]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield BadLine(number, f"no JSON: {error}")
            continue
        if not isinstance(fields, dict):
            yield BadLine(number, "an object is needed")
            continue
        if isinstance(fields.get("id"), int) and not isinstance(fields["id"], bool):
            fields["id"] = str(fields["id"])  # as the server reads them
        if fields.get("delete") is True and _is_id(fields.get("id")):
            yield Removal(number, fields["id"])
        else:
            yield _product(number, fields)


def _read_csv(lines: Iterable[bytes], now: datetime) -> Iterator[Found]:
    # A surrogate marks a byte that is not UTF-8, so that its row alone is refused.
    texts = (line.decode("utf-8", "surrogateescape") for line in lines)
    header = next(texts, "").removeprefix("\ufeff")
    delimiter = "\t" if "\t" in header else ","
    names = [_column(name) for name in next(csv.reader([header], delimiter=delimiter), [])]
    rows = csv.reader(texts, delimiter=delimiter)
    while True:
        number = rows.line_num + 2
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadLine(number, str(error))
            continue
        if any(cell.strip() for cell in row):
            yield _merchant_row(number, dict(zip(names, row, strict=False)), now)


def _read_yaml(lines: Iterable[bytes]) -> Iterator[Found]:
    """Read a list of mappings, each entry of it by itself: it begins with ``-`` in column 1."""
    for number, entry in _entries(lines):
        try:
            loaded = yaml.load(entry, _Loader)
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            yield BadLine(number, f"no YAML: {' '.join(str(error).split())}")
            continue
        fields = loaded[0] if isinstance(loaded, list) and loaded else None
        if not isinstance(fields, dict):
            yield BadLine(number, "a mapping is needed")
            continue
        # Its ``link`` is where a picture was found, no page of the shop.
        there = {k: v for k, v in fields.items() if v not in ("", "null", "~") and k != "link"}
        if "current_stock" in there:
            there["stock"] = there["current_stock"]
        yield _product(number, there)


def _entries(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    start, entry = 0, b""
    for number, line in enumerate(lines, start=1):
        if line.startswith(b"-") and not line.startswith(b"---"):
            if entry:
                yield start, entry
            start, entry = number, line
        elif entry:
            entry += line
        elif line.strip() and not line.startswith((b"#", b"---", b"%")):
            yield number, b"-\n"  # nothing that a list of products begins with
    if entry:
        yield start, entry


def _merchant_row(number: int, row: dict[str, str], now: datetime) -> Found:
    cells = {name: cell.strip() for name, cell in row.items() if cell.strip()}
    if any("\ud800" <= character <= "\udfff" for cell in cells.values() for character in cell):
        return BadLine(number, "not UTF-8")
    fields: dict[str, Any] = {
        "id": cells.get("id", ""),
        "name": cells.get("title", ""),
        "category": cells.get("product_type") or cells.get("google_product_category"),
        "brand": cells.get("brand"),
        "link": cells.get("link", ""),
        "image": cells.get("image_link", ""),
        "description": cells.get("description", ""),
    }
    availability = cells.get("availability", "").lower().replace(" ", "_")
    if availability not in _SOLD_OUT | _FOR_SALE:
        return BadLine(number, f"availability {availability!r}: {_either(_SOLD_OUT | _FOR_SALE)}")
    fields["stock"] = 0 if availability in _SOLD_OUT else None
    for name in ("price", "sale_price"):
        amount = _PRICE.fullmatch(cells.get(name, ""))
        if name in cells and amount is None:
            return BadLine(number, f"{name} {cells[name]!r}: like '12.00 EUR' is needed")
        if amount and (name == "price" or _is_on(cells.get("sale_price_effective_date"), now)):
            fields["price"] = amount.group(1).replace(",", "")
    return _product(number, fields)


def _is_on(period: str | None, now: datetime) -> bool:
    """Tell whether now lies in ``begin/end`` (ISO 8601); without a period it always does."""
    if not period:
        return True
    try:
        begin, end = (datetime.fromisoformat(part.strip()) for part in period.split("/"))
        is_on = begin <= now <= end
    except (ValueError, TypeError):  # TypeError: a time without its zone
        return False
    return is_on


def _product(number: int, fields: dict[str, Any]) -> Found:
    try:
        return Upsert(number, item_of(fields))
    except InvalidProduct as error:
        return BadLine(number, str(error))


def _column(name: str) -> str:
    """Return a column's name as Google's feeds write it: ``g:Image Link`` is ``image_link``."""
    return name.strip().lower().removeprefix("g:").replace(" ", "_")


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 256


def _either(choices: Iterable[str]) -> str:
    return "one of " + ", ".join(sorted(choice for choice in choices if choice))

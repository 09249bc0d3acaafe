"""Reads files of orders for evaluations: who ordered when."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from online_models.rhythm_evaluation import Ordered
from shopkeeper.line_files import BrokenLine, texts_of


class OrderFormat(StrEnum):
    """How a file of orders is written."""

    CSV = "csv"
    CDNOW = "cdnow"
    TAOBAO815 = "taobao815"


def read_orders(path: Path, kind: OrderFormat) -> list[Ordered]:
    """Return the orders of a file.

    Raises:
        BrokenLine: a line is no order.
        ShopkeeperError: the file cannot be read.
    """
    read = _READERS[kind]
    orders = []
    for number, line in enumerate(texts_of(path), start=1):
        text = line.strip()
        try:
            if text and (one := read(number, text)) is not None:
                orders.append(one)
        except (ValueError, IndexError, OverflowError, csv.Error) as error:
            raise BrokenLine(path, number, f"{error}; {_NEEDED[kind]}") from error
    return orders


def _csv(number: int, text: str) -> Ordered | None:
    customer, at = next(csv.reader([text]))[:2]
    if number == 1 and not at[:1].isdigit():
        return None  # names of columns
    if at.isdigit():
        return int(at) * 1000, _named(customer)
    time = datetime.fromisoformat(at)
    return _ms(time if time.tzinfo else time.replace(tzinfo=UTC)), _named(customer)


def _cdnow(number: int, text: str) -> Ordered | None:
    customer, day, *_ = text.split()
    if number == 1 and not day.isdigit():
        return None
    return _ms(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)), customer


def _taobao815(number: int, text: str) -> Ordered | None:
    customer, _, _, action, seconds = text.split(",")
    return (int(seconds) * 1000, _named(customer)) if action == "buy" else None


def _named(customer: str) -> str:
    if not customer:
        raise ValueError("the customer is missing")
    return customer


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


_READERS: dict[OrderFormat, Callable[[int, str], Ordered | None]] = {
    OrderFormat.CSV: _csv,
    OrderFormat.CDNOW: _cdnow,
    OrderFormat.TAOBAO815: _taobao815,
}
_NEEDED = {
    OrderFormat.CSV: "needed: customer,time (ISO 8601, or seconds since 1970)",
    OrderFormat.CDNOW: "needed: a customer and a day like 19970131, with blanks between",
    OrderFormat.TAOBAO815: "needed: user,item,category,action,seconds",
}

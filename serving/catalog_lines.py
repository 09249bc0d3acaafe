"""Pure: the lines of ``PUT /v1/catalog`` to what they change, or to why they cannot be read."""

from collections.abc import Iterator
from typing import NamedTuple

from config.catalog import InvalidProduct, Item, encode_item, item_of
from config.events import InvalidEvent
from serving.fields import read_id
from serving.strict_json import parse_object

MAX_CATALOG_BYTES = 8 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024


class Change(NamedTuple):
    """A product as the line says; None takes it out of the catalog."""

    product_id: str
    item: Item | None


class BadLine(NamedTuple):
    """A line that changes nothing, counted from 1, and why."""

    line: int
    reason: str


def read_lines(body: bytes) -> Iterator[Change | BadLine]:
    """Yield what each line says, blank ones left out."""
    for number, line in enumerate(body.split(b"\n"), start=1):
        if line.strip():
            yield _read_line(number, line)


def _read_line(number: int, line: bytes) -> Change | BadLine:
    try:
        return _change(line)
    except InvalidEvent as error:
        return BadLine(number, error.detail)
    except InvalidProduct as error:
        return BadLine(number, str(error))
    except UnicodeEncodeError:
        return BadLine(number, "a text holds half of a surrogate pair")


def _change(line: bytes) -> Change:
    if len(line) > MAX_LINE_BYTES:
        raise InvalidProduct(f"at most {MAX_LINE_BYTES} bytes are allowed")
    fields = parse_object(line)
    product_id = read_id(fields, "id")
    if product_id is None:
        raise InvalidProduct("id: a text or a whole number is needed")
    delete = fields.get("delete", False)
    if type(delete) is not bool:
        raise InvalidProduct("delete: true or false is allowed")
    if delete:
        return Change(product_id, None)
    item = item_of({**fields, "id": product_id})
    encode_item(item)  # what cannot be written is told by its line
    return Change(product_id, item)

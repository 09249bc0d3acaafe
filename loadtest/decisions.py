"""What the load asks decisions for, and what it reads from an answer. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

PATH = "/v1/personalize"
NEXT_BEST, TRENDING, HERO = "next-best", "trending", "hero"
PLACEMENTS = (NEXT_BEST, TRENDING, HERO)
_SLOTS = 6

# Without campaigns: what those cost a decision `shopkeeper bench campaigns` measures.
PLACEMENTS_TOML = f"""\
[placements.{NEXT_BEST}]
type = "products"
slots = {_SLOTS}
[placements.{TRENDING}]
type = "products"
strategy = "trending"
slots = {_SLOTS}
[placements.{HERO}]
type = "banner"
content = {{ headline = "Welcome" }}
"""


class Decision(NamedTuple):
    """An answer as a shop sees it.

    ``is_personal``: nothing fell back, and a product is there because of one the visitor knows.
    ``says_fallback``: the answer, or one of its placements, says that it fell back.
    """

    is_personal: bool
    says_fallback: bool
    applied_up_to: str
    server_ms: float
    products: tuple[str, ...]


def read_decision(body: bytes) -> Decision:
    """Return what an answer of ``POST /v1/personalize`` says; products are those of next-best.

    Raises:
        ValueError: it is no decision; the text shows its beginning.
    """
    try:
        answer = orjson.loads(body)
        placements = answer["placements"]
        listed = placements.get(NEXT_BEST, {}).get("products", ())
        fell_back = [
            answer["fallback"],
            *(placed.get("fallback") for placed in placements.values()),
        ]
        return Decision(
            is_personal=not any(fell_back) and any(product["because"] for product in listed),
            says_fallback=any(fell_back),
            applied_up_to=answer["profile"]["appliedUpTo"] or "0-0",
            server_ms=answer["serverTimingMs"],
            products=tuple(product["id"] for product in listed),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no decision: {body[:200]!r}") from error


def stages_of(head: bytes) -> tuple[float, ...]:
    """Return the ms of each stage that the head of an answer, in lower case, tells.

    >>> stages_of(b"http/1.1 200 ok\\r\\nserver-timing: read;dur=0.871, decide;dur=0.280\\r\\nx: y")
    (0.871, 0.28)
    """
    line = head.partition(b"server-timing: ")[2].partition(b"\r\n")[0]
    return tuple(float(part.rpartition(b"=")[2]) for part in line.split(b", ") if part)


def visitor_request(visitor: str, placements: Sequence[str] = PLACEMENTS) -> bytes:
    """Return the body that a page sends for an anonymous visitor."""
    return orjson.dumps(
        {
            "anonymousId": visitor,
            "page": {"type": "home"},
            "placements": placements,
            "context": {"locale": "en-GB"},
        }
    )


def catalog_lines(events: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """Return a catalog, one JSON object a product, of all products that the events name."""
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        properties = event.get("properties", {})
        for product in properties.get("products", (properties,)):
            name = product.get("product_id")
            if name is not None:
                found.setdefault(name, product)
    return [orjson.dumps(_item(name, product)) for name, product in found.items()]


def _item(name: str, product: Mapping[str, Any]) -> dict[str, Any]:
    item = {
        "id": name,
        "name": f"Product {name}",
        "price": product.get("price", 10.0),
        "stock": 1000,
        "link": f"https://shop.example/products/{name}",
        "image": f"https://shop.example/images/{name}.jpg",
    }
    kept = {field: product[field] for field in ("category", "brand") if product.get(field)}
    return item | kept

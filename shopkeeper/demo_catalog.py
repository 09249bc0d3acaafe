"""The demo shop's catalog: where it lies, and how it was made.

``storefront/catalog.ndjson.gz`` is the catalog of the AWS Retail Demo Store (MIT-0; its notice
lies beside it), one product a line, with the ``style`` that its pictures are drawn from:

    python -m shopkeeper.demo_catalog products.yaml.gz
"""

import gzip
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

STOREFRONT = Path(__file__).resolve().parents[1] / "storefront"
CATALOG = STOREFRONT / "catalog.ndjson.gz"
_KEPT = ("id", "name", "category", "style", "description")


def demo_lines() -> list[bytes]:
    """Return the lines of the demo's catalog."""
    return gzip.decompress(CATALOG.read_bytes()).splitlines()


def demo_products() -> list[dict[str, Any]]:
    """Return the demo's products, with their styles."""
    return [orjson.loads(line) for line in demo_lines()]


def pack(products: Iterable[dict[str, Any]]) -> bytes:
    """Return the file of these products; the same products give the same bytes."""
    lines = [
        orjson.dumps(
            {name: " ".join(product[name].split()) for name in _KEPT}
            | {
                "price": float(product["price"]),
                "stock": int(product["current_stock"]),
                "link": f"/product/{product['id']}",
            }
        )
        for product in products
    ]
    return gzip.compress(b"\n".join(lines) + b"\n", compresslevel=9, mtime=0)


def _main(source: str) -> None:
    import yaml  # noqa: PLC0415 -- only here, once for all

    with gzip.open(source) as file:
        CATALOG.write_bytes(pack(yaml.load(file, yaml.CBaseLoader)))


if __name__ == "__main__":
    _main(sys.argv[1])

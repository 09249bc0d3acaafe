"""``shopkeeper catalog import`` into a running shop."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.catalog import decode_item
from config.errors import ShopkeeperError
from config.keys import Keys
from shopkeeper.catalog_upload import LINES_A_PART
from shopkeeper.configuration import load
from shopkeeper.project_files import write_project
from shopkeeper.redis_connection import connect
from tests.shopkeeper.builders import RunningShop, a_running_shop, invoked


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    with a_running_shop(tmp_path_factory.mktemp("shop")) as running:
        yield running


def import_file(shop: RunningShop, path: Path, code: int = 0) -> Any:
    told = shop.run("catalog", "import", str(path), "--url", shop.url, "--json")
    assert told.returncode == code, told.stderr
    return json.loads(told.stdout) | {"said": told.stderr}


def in_catalog(shop: RunningShop, product_id: str) -> str | None:
    """Return the name of a product as it lies in Redis."""
    settings, _ = load(shop.config)
    with connect(shop.facts["redis_url"]) as client:
        data: Any = client.hget(Keys(settings.shop.namespace).catalog(), product_id)
    return None if data is None else decode_item(data).name


def test_packed_file_of_several_parts_becomes_the_catalog(
    shop: RunningShop, tmp_path: Path
) -> None:
    n_products = 2 * LINES_A_PART + 1
    rows = "".join(f"p{n},Product {n},{n}.50 EUR\n" for n in range(n_products))
    path = tmp_path / "feed.csv.gz"
    path.write_bytes(gzip.compress(f"id,title,price\n{rows}".encode()))
    assert import_file(shop, path)["upserted"] == n_products
    assert in_catalog(shop, f"p{n_products - 1}") == f"Product {n_products - 1}"


def test_later_file_changes_and_takes_out_what_it_names(shop: RunningShop, tmp_path: Path) -> None:
    first, then = tmp_path / "first.ndjson", tmp_path / "then.ndjson"
    first.write_text("".join(f'{{"id": "{name}", "name": "Old"}}\n' for name in "abc"))
    then.write_text('{"id": "a", "name": "New"}\n{"id": "b", "delete": true}\n')
    import_file(shop, first)
    figures = import_file(shop, then)
    assert (figures["upserted"], figures["deleted"], figures["bad_lines"]) == (1, 1, 0)
    assert [in_catalog(shop, name) for name in "abc"] == ["New", None, "Old"]


def test_bad_lines_are_named_whoever_finds_them_and_the_others_go_in(
    shop: RunningShop, tmp_path: Path
) -> None:
    path = tmp_path / "products.ndjson"
    # The last is refused by the server alone, which lets no control characters into ids.
    path.write_text('{"id": "good", "name": "Good"}\n{\n{"id": "a\\u0001", "name": "Bad"}\n')
    figures = import_file(shop, path, code=1)
    assert (figures["upserted"], figures["bad_lines"]) == (1, 2)
    assert "line 2: no JSON" in figures["said"]
    assert "line 3: id: control characters" in figures["said"]
    assert in_catalog(shop, "good") == "Good"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["products.xml"], "say --format ndjson | csv | yaml"),
        (["products.csv", "--url", "http://127.0.0.1:9"], "the catalog was not taken"),
    ],
)
def test_import_that_cannot_work_says_why(
    tmp_path: Path, arguments: list[str], expected: str
) -> None:
    write_project(tmp_path)
    file = tmp_path / arguments[0]
    file.write_text("id,title\n1,Boots\n")
    config = str(tmp_path / "shopkeeper.toml")
    whole = ["--config", config, "catalog", "import", str(file), *arguments[1:]]
    result = invoked(*whole)
    assert isinstance(result.exception, ShopkeeperError)
    assert expected in str(result.exception)


def test_wrong_key_is_named(shop: RunningShop, tmp_path: Path) -> None:
    write_project(tmp_path)
    path = tmp_path / "products.ndjson"
    path.write_text('{"id": "x", "name": "X"}\n')
    config = str(tmp_path / "shopkeeper.toml")
    whole = ["--config", config, "catalog", "import", str(path), "--url", shop.url]
    result = invoked(*whole)
    assert "401" in str(result.exception)
    assert in_catalog(shop, "x") is None

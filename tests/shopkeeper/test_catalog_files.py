"""Catalog files become products; a bad line is named and takes no other with it."""

from datetime import UTC, datetime

import pytest

from config.catalog import Item
from shopkeeper.catalog_files import CatalogFormat, Removal, Upsert, guess_format, read_catalog
from shopkeeper.demo_catalog import demo_lines, demo_products, pack

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HEADER = b"id,title,description,link,image_link,availability,price,brand,product_type\n"


def items(lines: list[bytes], fmt: CatalogFormat) -> list[Item]:
    reading = read_catalog(lines, fmt, NOW)
    assert reading.bad == []
    return [change.item for change in reading.changes if isinstance(change, Upsert)]


def bad_lines(lines: list[bytes], fmt: CatalogFormat) -> list[tuple[int, str]]:
    return [(line, why) for line, why in read_catalog(lines, fmt, NOW).bad]


def test_ndjson_line_is_a_product_in_our_own_words() -> None:
    line = b'{"id": "b1", "name": "Boots", "category": "hiking", "price": 129, "stock": 3, "x": 1}'
    expected = Item(id="b1", name="Boots", category="hiking", price=129.0, stock=3)
    assert items([line, b"\n"], CatalogFormat.NDJSON) == [expected]


def test_ndjson_line_can_take_a_product_out() -> None:
    reading = read_catalog([b'{"id": "b1", "delete": true}'], CatalogFormat.NDJSON, NOW)
    assert reading.changes == [Removal(1, "b1")]


def test_ndjson_id_may_be_a_whole_number() -> None:
    assert items([b'{"id": 7, "name": "Boots"}'], CatalogFormat.NDJSON)[0].id == "7"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "no JSON: "),
        (b"[1]", "an object is needed"),
        (b"\xff\xfe", "no JSON: "),
        (b"[" * 5000, "no JSON: "),
        (b'{"id": "1"}', "missing required field `name`"),
        (b'{"id": true, "name": "x"}', "$.id"),
        (b'{"id": "1", "name": "x", "price": -1}', "$.price"),
        (b'{"id": "1", "name": "x", "price": "NaN"}', "$.price"),
    ],
)
def test_bad_ndjson_line_is_named_and_its_neighbours_pass(line: bytes, why: str) -> None:
    good = b'{"id": "1", "name": "Boots"}'
    reading = read_catalog([good, line, good], CatalogFormat.NDJSON, NOW)
    assert len(reading.changes) == 2
    assert [number for number, _ in reading.bad] == [2]
    assert why in reading.bad[0].why


def test_merchant_row_is_a_product() -> None:
    row = b"b1,Boots,Warm,https://s/b1,https://s/b1.jpg,in_stock,12.00 EUR,Acme,Shoes > Boots\n"
    assert items([HEADER, row], CatalogFormat.CSV) == [
        Item(
            id="b1",
            name="Boots",
            category="Shoes > Boots",
            brand="Acme",
            price=12.0,
            link="https://s/b1",
            image="https://s/b1.jpg",
            description="Warm",
        )
    ]


def test_tab_separated_feed_with_a_mark_and_googles_other_spelling_is_read() -> None:
    lines = [
        b"\xef\xbb\xbfg:id\tTitle\tImage Link\tPrice\n",
        b'1\tBoots\thttps://i\t"1,299.50 USD"\n',
    ]
    found = items(lines, CatalogFormat.CSV)[0]
    assert (found.id, found.image, found.price) == ("1", "https://i", 1299.5)


def test_row_may_go_over_several_lines_and_keeps_the_number_of_its_first() -> None:
    lines = [b"id,title,price\n", b'1,"Boots\n', b'for walking",2\n', b"2,Socks,cheap\n"]
    reading = read_catalog(lines, CatalogFormat.CSV, NOW)
    assert [change.line for change in reading.changes] == [2]
    assert [number for number, _ in reading.bad] == [4]


@pytest.mark.parametrize(
    ("said", "stock"), [("in stock", None), ("out_of_stock", 0), ("preorder", None), ("", None)]
)
def test_availability_is_told_as_stock(said: str, stock: int | None) -> None:
    lines = [b"id,title,availability\n", f"1,Boots,{said}\n".encode()]
    assert items(lines, CatalogFormat.CSV)[0].stock == stock


@pytest.mark.parametrize(
    ("period", "price"),
    [
        ("", 8.0),
        ("2026-04-01T00:00+00:00/2026-06-01T00:00+00:00", 8.0),
        ("2026-06-01T00:00+00:00/2026-07-01T00:00+00:00", 12.0),
        ("whenever", 12.0),
        ("2026-04-01T00:00/2026-06-01T00:00", 12.0),
    ],
)
def test_sale_price_counts_while_it_is_on(period: str, price: float) -> None:
    header = b"id,title,price,sale_price,sale_price_effective_date\n"
    row = f"1,Boots,12.00 EUR,8.00 EUR,{period}\n".encode()
    assert items([header, row], CatalogFormat.CSV)[0].price == price


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (b"1,Boots,,,,maybe,1,,\n", "availability 'maybe': one of backorder"),
        (b"1,Boots,,,,,cheap,,\n", "price 'cheap': like '12.00 EUR' is needed"),
        (b"1,Bo\xffts,,,,,1,,\n", "not UTF-8"),
        (b"1\n", "$.name"),
        (b'1,"' + b"x" * 200_000 + b'"\n', "field larger than field limit"),
    ],
)
def test_bad_merchant_row_is_named_and_its_neighbours_pass(row: bytes, why: str) -> None:
    good = b"1,Boots,,,,,1 EUR,,\n"
    reading = read_catalog([HEADER, good, row, good], CatalogFormat.CSV, NOW)
    assert len(reading.changes) == 2
    assert [number for number, _ in reading.bad] == [3]
    assert why in reading.bad[0].why


def test_empty_files_hold_nothing() -> None:
    for fmt in CatalogFormat:
        assert items([], fmt) == []


def test_yaml_entry_is_a_product_whose_picture_source_is_no_link() -> None:
    text = (
        "# products\n- id: 007\n  name: Boots\n  category: hiking\n  current_stock: 4\n"
        "  price: 12.5\n  image: 007.jpg\n  link: https://pictures.example/1\n  style: null\n"
    )
    assert items(text.encode().splitlines(keepends=True), CatalogFormat.YAML) == [
        Item(id="007", name="Boots", category="hiking", price=12.5, stock=4, image="007.jpg")
    ]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (b"- [1\n", "no YAML: "),
        (b"- " + b"[" * 5000 + b"\n", "no YAML: "),
        (b"- text\n", "a mapping is needed"),
        (b"- id: 1\n", "missing required field `name`"),
        (b"- id: 1\n  name: \xff\n", "no YAML: "),
    ],
)
def test_bad_yaml_entry_is_named_and_its_neighbours_pass(entry: bytes, why: str) -> None:
    good = b"- id: 1\n  name: Boots\n"
    lines = (good + entry + good).splitlines(keepends=True)
    reading = read_catalog(lines, CatalogFormat.YAML, NOW)
    assert len(reading.changes) == 2
    assert [number for number, _ in reading.bad] == [3]
    assert why in reading.bad[0].why


def test_yaml_that_is_no_list_is_named() -> None:
    assert bad_lines([b"id: 1\n"], CatalogFormat.YAML) == [(1, "a mapping is needed")]


def test_name_of_a_file_tells_its_format() -> None:
    assert guess_format("feed.JSONL.gz") is CatalogFormat.NDJSON
    assert guess_format("feed.xml") is None


def test_demo_catalog_holds_2465_products_that_can_be_imported() -> None:
    found = items(demo_lines(), CatalogFormat.NDJSON)
    assert len({item.id for item in found}) == 2465
    assert all(item.category and item.price and item.is_available() for item in found)


def test_demo_catalog_is_made_the_same_every_time() -> None:
    products = [product | {"current_stock": product["stock"]} for product in demo_products()[:50]]
    assert pack(products) == pack(products)
    assert len(pack(products)) < 50_000

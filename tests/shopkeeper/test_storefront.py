"""The demo shop's own little server: its pages, and tokens for customers it knows."""

import gzip
import json
import re
from collections.abc import Iterator

import httpx
import jwt
import pytest

from shopkeeper.demo_catalog import STOREFRONT
from shopkeeper.storefront import CUSTOMERS, TOKEN_SECONDS, running_storefront, token_answer

SECRET_KEY = "sk_0123456789abcdefghijklmnopqrstuv"


@pytest.fixture(scope="module")
def shop() -> Iterator[httpx.Client]:
    with (
        running_storefront(
            "127.0.0.1", 0, server_url="http://s", write_key="wk_1", secret_key=SECRET_KEY
        ) as url,
        httpx.Client(base_url=url) as client,
    ):
        yield client


@pytest.mark.parametrize("path", ["/", "/cart", "/product/42", "/category/salty%20snacks?style=x"])
def test_every_address_of_the_shop_is_its_page(shop: httpx.Client, path: str) -> None:
    answer = shop.get(path)
    assert answer.status_code == 200
    assert "Corner &amp; Co." in answer.text


@pytest.mark.parametrize(
    "path", ["/secrets.toml", "/../shopkeeper/demo.py", "/%2e%2e/pyproject.toml", "/x.js"]
)
def test_nothing_else_is_served(shop: httpx.Client, path: str) -> None:
    assert shop.get(path).status_code == 404


def test_pages_learn_the_servers_address_and_the_public_key_alone(shop: httpx.Client) -> None:
    assert shop.get("/demo/settings.json").json() == {"server": "http://s", "writeKey": "wk_1"}


def test_products_come_packed(shop: httpx.Client) -> None:
    answer = shop.get("/catalog.ndjson")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.text.splitlines()) == 2465


def test_token_vouches_for_a_known_name(shop: httpx.Client) -> None:
    answer = shop.post("/demo/token", content=json.dumps({"name": "Ann"})).json()
    claims = jwt.decode(answer["userToken"], SECRET_KEY, algorithms=["HS256"])
    assert claims["sub"] == answer["userId"] == CUSTOMERS["Ann"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"name": "Mallory"}', b'{"name": []}'])
def test_nobody_else_gets_a_token(shop: httpx.Client, body: bytes) -> None:
    assert shop.post("/demo/token", content=body).status_code == 404


def test_token_lasts_half_a_day() -> None:
    answer = token_answer(b'{"name": "Ben"}', SECRET_KEY, now=1000.0)
    assert answer is not None
    claims = jwt.decode(
        answer["userToken"], SECRET_KEY, algorithms=["HS256"], options={"verify_exp": False}
    )
    assert claims["exp"] == 1000 + TOKEN_SECONDS


def test_long_body_is_not_read(shop: httpx.Client) -> None:
    assert shop.post("/demo/token", content=b"x" * 2000).status_code == 400


def test_taken_port_is_left_alone_for_a_free_one(shop: httpx.Client) -> None:
    port = shop.base_url.port
    assert port is not None
    with running_storefront(
        "127.0.0.1", port, server_url="", write_key="", secret_key=SECRET_KEY
    ) as url:
        assert not url.endswith(f":{port}")
        assert httpx.get(url).status_code == 200


def test_pages_name_no_other_host() -> None:
    # The first is an XML name, the second stands in a comment of shopkeeper.js.
    allowed = {"http://www.w3.org/2000/svg", "https://events.my-shop.example"}
    for file in STOREFRONT.iterdir():
        if file.suffix in {".html", ".css", ".js", ".svg"}:
            found = set(re.findall(r"https?://[^\"' )]+", file.read_text(encoding="utf-8")))
            assert found <= allowed, file.name


def test_catalog_says_where_it_is_from_and_is_small() -> None:
    packed = (STOREFRONT / "catalog.ndjson.gz").read_bytes()
    assert len(packed) < 1_000_000
    assert gzip.decompress(packed).count(b"\n") == 2465
    assert "MIT No Attribution" in (STOREFRONT / "catalog.LICENSE").read_text(encoding="utf-8")

"""``PUT /v1/catalog``, and how soon decisions know."""

import asyncio
import gzip
import json
import time
from typing import Any

import httpx
import pytest
import redis
from redis.asyncio import Redis as AsyncRedis

from config.catalog import decode_item
from config.product_changes import CHANGES_FIELD, ProductChange, decode_changes
from serving.catalog_lines import MAX_LINE_BYTES, BadLine, Change, read_lines
from serving.cataloging import CatalogWriter
from tests.serving.conftest import KEYS, OwnRedis, Serve, stream_of, wait_for
from tests.serving.deciding import learn, lessons

BOOTS = {"id": "boots", "name": "Boots", "price": 129.0, "stock": 3}


def put(owner: httpx.Client, *lines: object, **more: Any) -> dict[str, Any]:
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    reply = owner.put("/v1/catalog", content=body.encode(), **more)
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told


def test_products_are_put_in_and_taken_out(owner: httpx.Client, redis_client: redis.Redis) -> None:
    put(owner, BOOTS, {"id": 17, "name": "Seventeen"})
    told = put(owner, {"id": "boots", "delete": True})
    assert (told["success"], told["upserted"], told["deleted"]) == (True, 0, 1)
    assert list(redis_client.hkeys(KEYS.catalog())) == [b"17"]
    kept = redis_client.hget(KEYS.catalog(), "17")
    assert isinstance(kept, bytes)
    assert decode_item(kept).name == "Seventeen"


def added_at(client: redis.Redis, product_id: str) -> int | None:
    kept = client.hget(KEYS.catalog(), product_id)
    assert isinstance(kept, bytes)
    return decode_item(kept).added_at


def test_a_product_keeps_the_time_it_was_first_put_unless_the_line_says_another(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    put(owner, BOOTS, {"id": "hat", "name": "Hat", "added_at": "2026-03-01T12:00:00Z"})
    first = added_at(redis_client, "boots")
    assert first is not None
    time.sleep(0.002)
    put(owner, BOOTS | {"stock": 2}, {"id": "cap", "name": "Cap"})
    assert added_at(redis_client, "boots") == first < (added_at(redis_client, "cap") or 0)
    assert added_at(redis_client, "hat") == 1_772_366_400_000
    put(owner, BOOTS | {"added_at": 5})
    assert added_at(redis_client, "boots") == 5


def test_a_change_names_its_products_in_the_stream(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    put(owner, BOOTS, {"id": "hat", "delete": True})
    [(_, fields)] = stream_of(redis_client, KEYS.catalog_changes())
    assert fields[b"n"].split(b"\n") == [b"boots", b"hat"]


def test_bad_lines_are_listed_by_number_and_harm_no_other(owner: httpx.Client) -> None:
    told = put(
        owner, "{", BOOTS, "", {"id": "hat"}, {"name": "no id"}, {"id": "cap", "name": "Cap"}
    )
    assert (told["success"], told["upserted"], told["rejected"]) == (False, 2, 3)
    assert [error["line"] for error in told["errors"]] == [1, 4, 5]
    assert all(error["reason"] for error in told["errors"])


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (b"[]", "object"),
        (b'{"id": "a", "name": "A", "price": -1}', "price"),
        (b'{"id": "a", "name": "A", "price": NaN}', "finite"),
        (b'{"id": "a", "name": "A", "name": "B"}', "twice"),
        (b'{"id": "a\\nb", "name": "A"}', "control"),
        (b'{"id": "a", "name": "\\ud800"}', "surrogate"),
        (b'{"id": "a", "delete": "yes"}', "delete"),
        (b'{"id": "a", "name": "' + b"x" * MAX_LINE_BYTES + b'"}', "bytes"),
        (b"\xff", "UTF-8"),
    ],
    ids=["list", "price", "nan", "twice", "control", "surrogate", "delete", "long", "utf8"],
)
def test_what_is_no_product_is_told_why(line: bytes, part: str) -> None:
    [read] = read_lines(line)
    assert isinstance(read, BadLine)
    assert part in read.reason


def test_of_one_product_the_last_line_counts(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    put(owner, BOOTS, {"id": "boots", "delete": True}, {"id": "hat", "delete": True}, BOOTS)
    assert redis_client.hexists(KEYS.catalog(), "boots")


def test_digits_in_texts_are_numbers() -> None:
    [read] = read_lines(b'{"id": "a", "name": "A", "price": "9.50", "delete": false}')
    assert isinstance(read, Change)
    assert read.item is not None
    assert read.item.price == 9.5


def test_more_lines_than_one_transaction_holds_all_arrive(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    told = put(owner, *({"id": f"p{n}", "name": "x"} for n in range(1_001)))
    assert told["upserted"] == redis_client.hlen(KEYS.catalog()) == 1_001


def test_gzip_is_unpacked(owner: httpx.Client) -> None:
    body = gzip.compress(json.dumps(BOOTS).encode())
    reply = owner.put("/v1/catalog", content=body, headers={"Content-Encoding": "gzip"})
    assert reply.json()["upserted"] == 1


def test_a_catalog_that_is_too_large_is_refused(owner: httpx.Client) -> None:
    body = gzip.compress(b"\n" * (8 * 1024 * 1024 + 1))
    assert owner.put("/v1/catalog", content=body).status_code == 413


def test_without_redis_the_shop_is_told_to_send_again(serve: Serve, own_redis: OwnRedis) -> None:
    shop = serve(own_redis.url)
    own_redis.process.kill()
    own_redis.process.wait()
    reply = shop.put("/v1/catalog", content=json.dumps(BOOTS), auth=("secret-key", ""))
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")


def trending(shop: httpx.Client) -> list[str]:
    told = shop.post("/v1/personalize", json={"placements": ["trending"]}).json()
    return [product["id"] for product in told["placements"]["trending"]["products"]]


def test_decisions_see_a_change_of_stock(
    serve: Serve, redis_url: str, redis_client: redis.Redis
) -> None:
    shop = serve(redis_url, key="secret-key")
    learn(redis_client, lessons(popular={"": ["boots", "hat"]}))
    put(shop, BOOTS, {"id": "hat", "name": "Hat"})
    wait_for(lambda: trending(shop) == ["boots", "hat"])
    put(shop, BOOTS | {"stock": 0})
    wait_for(lambda: trending(shop) == ["hat"])
    put(shop, {"id": "hat", "delete": True})
    wait_for(lambda: trending(shop) == [])


def changes_told(client: redis.Redis) -> list[ProductChange]:
    entries = stream_of(client, KEYS.product_changes())
    return [change for _, fields in entries for change in decode_changes(fields[CHANGES_FIELD])]


def test_a_change_that_customers_may_want_to_hear_of_is_told_once(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    put(owner, BOOTS, {"id": "hat", "name": "Hat", "price": 9.0})
    assert changes_told(redis_client) == []
    for _ in range(2):  # what is sent again changes nothing
        put(owner, BOOTS | {"price": 99.0}, {"id": "hat", "name": "Hat", "price": 12.0})

    assert changes_told(redis_client) == [
        ProductChange("boots", 129.0, 99.0, 3, 3),
        ProductChange("hat", 9.0, 12.0, None, None),
    ]


def test_a_product_that_cannot_be_read_any_more_is_replaced(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    redis_client.hset(KEYS.catalog(), "boots", b"?")
    put(owner, BOOTS)
    kept = redis_client.hget(KEYS.catalog(), "boots")
    assert isinstance(kept, bytes)
    assert decode_item(kept).price == 129.0


def test_two_who_write_the_same_change_at_once_tell_it_once(
    redis_url: str, redis_client: redis.Redis
) -> None:
    async def write_all() -> None:
        async with AsyncRedis.from_url(redis_url) as client:
            writers = [CatalogWriter(client, KEYS, lambda: 1_000) for _ in range(5)]
            await writers[0].write(json.dumps(BOOTS).encode())
            for price in (120.0, 110.0, 100.0):
                line = json.dumps(BOOTS | {"price": price}).encode()
                told = await asyncio.gather(*(writer.write(line) for writer in writers))
                assert all(reply["success"] for reply in told)

    asyncio.run(write_all())
    drops = [(change.old_price, change.price) for change in changes_told(redis_client)]
    assert drops == [(129.0, 120.0), (120.0, 110.0), (110.0, 100.0)]

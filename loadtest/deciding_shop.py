"""A shop that decides: placements, catalog, a worker and a learner, taught by sessions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import httpx

from loadtest.bench_stream import start_workers
from loadtest.children import ChildFailed
from loadtest.decisions import PLACEMENTS_TOML, catalog_lines
from loadtest.formats import SegmentEvent, Timed
from loadtest.processes import Launch, ShopUnderTest, shop_under_test
from loadtest.replay import Target, replay
from loadtest.settled import all_applied, all_learned

_MEMORY_MB = 4096
_CATALOG_LINES_AT_ONCE = 1000
_SETTLE_SECONDS = 180.0
_SENDERS = 8
_PUT_SECONDS = 30.0


@contextmanager
def deciding_shop(
    events: Sequence[SegmentEvent],
    launch: Launch,
    overrides: Mapping[str, str] | None = None,
    *,
    with_server: bool = True,
) -> Iterator[ShopUnderTest]:
    """Yield a running shop with a catalog of all products that the events name; none is sent.

    Without its server, that and the catalog are the caller's to see to.
    """
    settings = {
        "SHOPKEEPER_REDIS_DURABILITY": "everysec",
        "SHOPKEEPER_REDIS_MAX_MEMORY_MB": str(_MEMORY_MB),
    }
    with shop_under_test(settings | dict(overrides or {}), launch) as shop:
        (shop.folder / "shopkeeper.toml").write_text(PLACEMENTS_TOML, encoding="utf-8")
        shop.start_redis()
        start_workers(shop, 1)
        shop.start_learner()
        if with_server:
            shop.start_server()
            put_catalog(shop, catalog_lines(events))
        yield shop


def put_catalog(shop: ShopUnderTest, lines: Sequence[bytes]) -> None:
    """Give the shop its products.

    Raises:
        ChildFailed: the server did not take them.
    """
    headers = {
        "authorization": f"Bearer {shop.secret_key}",
        "content-type": "application/x-ndjson",
    }
    with httpx.Client(base_url=shop.url, headers=headers, timeout=_PUT_SECONDS) as client:
        for start in range(0, len(lines), _CATALOG_LINES_AT_ONCE):
            part = b"\n".join(lines[start : start + _CATALOG_LINES_AT_ONCE])
            answer = client.put("/v1/catalog", content=part)
            if answer.status_code != 200:
                raise ChildFailed(f"the catalog was refused: {answer.text[:300]}")


def teach(shop: ShopUnderTest, events: Sequence[Timed]) -> None:
    """Send events as of now; wait until they are applied and learned."""
    send(shop, events)
    settle(shop)


def send(shop: ShopUnderTest, events: Sequence[Timed]) -> None:
    """Send events as of now, as fast as they are taken.

    Raises:
        ChildFailed: collect rejected some of them.
    """
    result = replay(events, Target(shop.url, shop.write_key, senders=_SENDERS))
    if result.rejected:
        raise ChildFailed(f"collect rejected events of ours: {dict(result.rejected)}")


def settle(shop: ShopUnderTest, each_time: Callable[[], None] = lambda: None) -> None:
    """Wait until all that was accepted is applied and learned, doing ``each_time`` meanwhile."""
    for is_done, otherwise in (
        (all_applied, "not all is applied"),
        (all_learned, "not all is learned"),
    ):
        shop.wait(partial(is_done, shop), otherwise, _SETTLE_SECONDS, each_time)


def port_of(shop: ShopUnderTest) -> int:
    """Return the server's port."""
    return int(shop.url.rpartition(":")[2])

"""Writes the catalog, and together with it what tells servers and customers' triggers of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError, WatchError

from config.catalog import InvalidProduct, Item, decode_item, encode_item
from config.keys import MAX_CHANGES, PRODUCT_CHANGE_AGE_MS, Keys
from config.product_changes import (
    CHANGES_AN_ENTRY,
    CHANGES_FIELD,
    ProductChange,
    change_between,
    encode_changes,
)
from serving.catalog_lines import BadLine, read_lines
from serving.refusals import Refusal, Refused

MAX_LISTED = 1_000
_LINES_AT_ONCE = 200  # so that an import does not hold up decisions
_TRIES = 20  # to be the only one who changes the catalog for a moment


@dataclass(frozen=True, slots=True)
class CatalogWriter:
    """Takes a catalog's lines in; a product that is new gets the time of ``clock_ms``."""

    client: Redis
    keys: Keys
    clock_ms: Callable[[], int]

    async def write(self, body: bytes) -> dict[str, Any]:
        """Write the good lines and return the reply, which lists the bad ones.

        Raises:
            Refused: Redis did not confirm; sent again, the same lines do no harm.
        """
        bad: list[BadLine] = []
        n_upserted = n_deleted = 0
        chunk: dict[str, Item | None] = {}
        for n_read, read in enumerate(read_lines(body), start=1):
            if isinstance(read, BadLine):
                bad.append(read)
            else:
                n_upserted += read.item is not None
                n_deleted += read.item is None
                chunk[read.product_id] = read.item  # of one product, the last line counts
            if n_read % _LINES_AT_ONCE == 0:
                await self._store(chunk)
                chunk = {}
                await asyncio.sleep(0)
        await self._store(chunk)
        return {
            "success": not bad,
            "upserted": n_upserted,
            "deleted": n_deleted,
            "rejected": len(bad),
            "errors": [{"line": line, "reason": reason} for line, reason in bad[:MAX_LISTED]],
        }

    async def _store(self, changes: dict[str, Item | None]) -> None:
        if not changes:
            return
        try:
            for _ in range(_TRIES):
                with suppress(WatchError):  # another writer was first
                    return await self._write(changes)
        except (RedisError, OSError) as error:
            raise Refused(
                Refusal.CATALOG_UNAVAILABLE,
                "Redis did not confirm; send the lines again",
                retry_after_seconds=1,
            ) from error
        raise Refused(
            Refusal.CATALOG_UNAVAILABLE,
            "others change the catalog all the time; send the lines again",
            retry_after_seconds=1,
        )

    async def _write(self, changes: dict[str, Item | None]) -> None:
        async with self.client.pipeline(transaction=True) as pipeline:
            # What is told of a change is told once: by who saw the product as it was before.
            await pipeline.watch(self.keys.catalog())
            kept = await self._kept(pipeline, [name for name, item in changes.items() if item])
            now = self.clock_ms()
            # In a list, because redis-py's type for a mapping takes no dict of texts and bytes.
            there: list[str | bytes] = []
            told: list[ProductChange] = []
            for name, item in changes.items():
                if item is None:
                    continue
                there += [name, encode_item(_dated(item, kept.get(name), now))]
                if (change := change_between(kept.get(name), item)) is not None:
                    told.append(change)
            pipeline.multi()  # type: ignore[no-untyped-call]
            if there:
                pipeline.hset(self.keys.catalog(), items=there)
            if gone := [name for name, item in changes.items() if item is None]:
                pipeline.hdel(self.keys.catalog(), *gone)
            stream = self.keys.catalog_changes()
            pipeline.xadd(stream, {"n": "\n".join(changes)}, maxlen=MAX_CHANGES, approximate=True)
            oldest = max(now - PRODUCT_CHANGE_AGE_MS, 0)
            for start in range(0, len(told), CHANGES_AN_ENTRY):
                some = told[start : start + CHANGES_AN_ENTRY]
                entry: dict[Any, Any] = {CHANGES_FIELD: encode_changes(some)}
                pipeline.xadd(self.keys.product_changes(), entry, minid=oldest, approximate=True)
            await pipeline.execute()

    async def _kept(self, pipeline: Pipeline, names: Sequence[str]) -> dict[str, Item]:
        """Return the products as they lie there; what cannot be read is replaced anyway."""
        if not names:
            return {}
        values = await cast(
            Awaitable[list[bytes | None]], pipeline.hmget(self.keys.catalog(), list(names))
        )
        kept = {}
        for name, data in zip(names, values, strict=True):
            if data is not None:
                with suppress(InvalidProduct):
                    kept[name] = decode_item(data)
        return kept


def _dated(item: Item, kept: Item | None, now: int) -> Item:
    """Say since when the shop sells it: a change of its price makes no product new."""
    if item.added_at is not None:
        return item
    known = None if kept is None else kept.added_at
    return msgspec.structs.replace(item, added_at=known or now)

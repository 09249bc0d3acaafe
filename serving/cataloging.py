"""Writes the catalog: products and the stream that tells servers of them, together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.catalog import InvalidProduct, Item, decode_item, encode_item
from config.keys import MAX_CHANGES, Keys
from serving.catalog_lines import BadLine, read_lines
from serving.refusals import Refusal, Refused

MAX_LISTED = 1_000
_LINES_AT_ONCE = 200  # so that an import does not hold up decisions


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
            await self._write(changes)
        except (RedisError, OSError) as error:
            raise Refused(
                Refusal.CATALOG_UNAVAILABLE,
                "Redis did not confirm; send the lines again",
                retry_after_seconds=1,
            ) from error

    async def _write(self, changes: dict[str, Item | None]) -> None:
        added = await self._added_at(
            [name for name, item in changes.items() if item is not None and item.added_at is None]
        )
        # In a list, because redis-py's type for a mapping takes no dict of texts and bytes.
        there: list[str | bytes] = []
        for name, item in changes.items():
            if item is not None:
                added_at = added.get(name, item.added_at)
                there += [name, encode_item(msgspec.structs.replace(item, added_at=added_at))]
        gone = [name for name, item in changes.items() if item is None]
        pipeline = self.client.pipeline(transaction=True)
        if there:
            pipeline.hset(self.keys.catalog(), items=there)
        if gone:
            pipeline.hdel(self.keys.catalog(), *gone)
        stream = self.keys.catalog_changes()
        pipeline.xadd(stream, {"n": "\n".join(changes)}, maxlen=MAX_CHANGES, approximate=True)
        await pipeline.execute()

    async def _added_at(self, names: Sequence[str]) -> dict[str, int]:
        """Return since when the shop sells each: a change of its price makes no product new."""
        if not names:
            return {}
        kept = await cast(
            Awaitable[list[bytes | None]], self.client.hmget(self.keys.catalog(), list(names))
        )
        now = self.clock_ms()
        return {name: _known_since(data) or now for name, data in zip(names, kept, strict=True)}


def _known_since(data: bytes | None) -> int | None:
    if data is None:
        return None
    try:
        return decode_item(data).added_at
    except InvalidProduct:
        return None  # what lay there is replaced anyway

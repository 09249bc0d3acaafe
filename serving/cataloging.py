"""Writes the catalog: products and the stream that tells servers of them, together."""

import asyncio
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.keys import MAX_CHANGES, Keys
from serving.catalog_lines import BadLine, read_lines
from serving.refusals import Refusal, Refused

MAX_LISTED = 1_000
_LINES_AT_ONCE = 200  # so that an import does not hold up decisions


@dataclass(frozen=True, slots=True)
class CatalogWriter:
    """Takes a catalog's lines in."""

    client: Redis
    keys: Keys

    async def write(self, body: bytes) -> dict[str, Any]:
        """Write the good lines and return the reply, which lists the bad ones.

        Raises:
            Refused: Redis did not confirm; sent again, the same lines do no harm.
        """
        bad: list[BadLine] = []
        n_upserted = n_deleted = 0
        chunk: dict[str, bytes | None] = {}
        for n_read, read in enumerate(read_lines(body), start=1):
            if isinstance(read, BadLine):
                bad.append(read)
            else:
                n_upserted += read.data is not None
                n_deleted += read.data is None
                chunk[read.product_id] = read.data  # of one product, the last line counts
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

    async def _store(self, changes: dict[str, bytes | None]) -> None:
        if not changes:
            return
        # In a list, because redis-py's type for a mapping takes no dict of texts and bytes.
        there: list[str | bytes] = []
        for name, data in changes.items():
            there += [name, data] if data is not None else []
        gone = [name for name, data in changes.items() if data is None]
        pipeline = self.client.pipeline(transaction=True)
        if there:
            pipeline.hset(self.keys.catalog(), items=there)
        if gone:
            pipeline.hdel(self.keys.catalog(), *gone)
        stream = self.keys.catalog_changes()
        pipeline.xadd(stream, {"n": "\n".join(changes)}, maxlen=MAX_CHANGES, approximate=True)
        try:
            await pipeline.execute()
        except (RedisError, OSError) as error:
            raise Refused(
                Refusal.CATALOG_UNAVAILABLE,
                "Redis did not confirm; send the lines again",
                retry_after_seconds=1,
            ) from error

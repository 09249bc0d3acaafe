"""Keeps a copy of hashes in Redis: loads them, then follows a stream that names what changed.

Where the copy may have missed something (Redis was emptied, went back to older data, or trimmed
what was not read yet), it is loaded anew; until then the old copy stays in use.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, cast

import msgspec
import structlog
from redis.asyncio import Redis

from config.errors import ShopkeeperError
from config.keys import ROWS_CHANGED
from serving.copying import CHECK_SECONDS, POLL_SECONDS, SLICE_SECONDS, Copy, Missed

_ROWS_AT_ONCE = 200
_CHANGES_AT_ONCE = 1_000
_START = b"0-0"

log = structlog.get_logger()


class Source(NamedTuple):
    """A hash, and the stream that tells in a field of its entries what changed in it."""

    rows: str
    changes: str
    field: bytes = ROWS_CHANGED


class Followed(NamedTuple):
    """What a follower tells of itself: rows held, full loads, age of the last look (seconds)."""

    n_rows: int
    n_loads: int
    looked_at: float


class Follower(Copy):
    """Hands each row to ``put``, None for one that is gone; ``run`` it beside the requests.

    ``put`` may raise for a row that it cannot read: the one before stays. ``learned`` is called
    with the times (ms) that came with changes, once those are in use; ``begun``, where what is
    loaded was ever written to, also if nothing is left of it.
    """

    def __init__(
        self,
        name: str,
        client: Redis,
        sources: Sequence[Source],
        put: Callable[[str, bytes | None], None],
        learned: Callable[[list[int]], None] = lambda _: None,
        begun: Callable[[], None] = lambda: None,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        super().__init__(name)
        self._client = client
        self._sources = sources
        self._put = put
        self._learned = learned
        self._begun = begun
        self._poll_seconds = poll_seconds
        self._names: list[set[str]] = [set() for _ in sources]
        self._positions: list[bytes] = [_START] * len(sources)

    def told(self) -> Followed:
        """Return what this follower has done so far."""
        return Followed(sum(map(len, self._names)), self._n_loads, self._looked_at)

    async def _load(self) -> None:
        """Take all rows, and put what is there no more away.

        The positions are taken first, so that what changes meanwhile is fetched once more.
        """
        pipeline = self._client.pipeline(transaction=False)
        for source in self._sources:
            pipeline.xrevrange(source.changes, count=1)
        newest = await pipeline.execute()
        if any(newest):
            self._begun()
        for index, source in enumerate(self._sources):
            found = await self._load_rows(source.rows)
            for name in self._names[index] - found:
                self._take(name, None)
            self._names[index] = found
        self._positions = [entries[0][0] if entries else _START for entries in newest]
        self._n_loads += 1
        self._looked()
        log.info("followed_loaded", what=self._name, rows=self.told().n_rows)

    async def _load_rows(self, key: str) -> set[str]:
        found: set[str] = set()
        cursor = 0
        while True:
            cursor, rows = await cast(
                Awaitable[tuple[int, dict[bytes, bytes]]],
                self._client.hscan(key, cursor, count=_ROWS_AT_ONCE),
            )
            named = [(name.decode(), data) for name, data in rows.items()]
            found.update(name for name, _ in named)
            await self._take_all(named)
            if cursor == 0:
                return found

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        await self._check(after_connecting=True)
        checked_at = loop.time()
        while True:
            started = loop.time()
            is_more = await self._fetch_changes()
            self._looked()
            if loop.time() - checked_at >= CHECK_SECONDS:
                await self._check()
                checked_at = loop.time()
            if not is_more:
                await asyncio.sleep(max(started + self._poll_seconds - loop.time(), 0))

    async def _check(self, *, after_connecting: bool = False) -> None:
        """Look whether each stream still holds the entry that was read last.

        Streams lose their oldest entries first: where that one is there, so is all that follows.

        Raises:
            Missed: one does not; so changes may be gone that were never seen.
        """
        pipeline = self._client.pipeline(transaction=False)
        for source, position in zip(self._sources, self._positions, strict=True):
            if position == _START:
                pipeline.xrange(source.changes, count=1)
            else:
                pipeline.xrange(source.changes, position, position)
        replies = await pipeline.execute()
        for position, entries in zip(self._positions, replies, strict=True):
            # A stream that begins while it is followed is read from its beginning; one that was
            # there when Redis came back may have lost its beginning long ago.
            is_new = position == _START
            if (is_new and entries and after_connecting) or not (is_new or entries):
                raise Missed

    async def _fetch_changes(self) -> bool:
        """Fetch what changed since the last time; tell whether there may be more.

        Raises:
            Missed: what was read does not follow what was read before.
        """
        streams = {
            source.changes: position
            for source, position in zip(self._sources, self._positions, strict=True)
        }
        read = await self._client.xread(streams, count=_CHANGES_AT_ONCE)  # type: ignore[arg-type]
        if not read:
            return False
        await self._check()
        by_stream = _entries_by_stream(read)
        is_more = False
        times: list[int] = []
        for index, source in enumerate(self._sources):
            entries = by_stream.get(source.changes, [])
            if entries:
                await self._fetch_rows(index, _names_in(entries, source.field))
                self._positions[index] = entries[-1][0]
                times += [int(fields[b"t"]) for _, fields in entries if b"t" in fields]
                is_more = is_more or len(entries) == _CHANGES_AT_ONCE
        self._learned(times)
        return is_more

    async def _fetch_rows(self, index: int, names: Sequence[str]) -> None:
        known = self._names[index]
        for start in range(0, len(names), _ROWS_AT_ONCE):
            some = names[start : start + _ROWS_AT_ONCE]
            rows = await cast(
                Awaitable[list[bytes | None]],
                self._client.hmget(self._sources[index].rows, list(some)),
            )
            for name, data in zip(some, rows, strict=True):
                (known.discard if data is None else known.add)(name)
            await self._take_all(zip(some, rows, strict=True))

    async def _take_all(self, rows: Iterable[tuple[str, bytes | None]]) -> None:
        pause_at = time.perf_counter() + SLICE_SECONDS
        for name, data in rows:
            self._take(name, data)
            if time.perf_counter() >= pause_at:
                await asyncio.sleep(0)
                pause_at = time.perf_counter() + SLICE_SECONDS
        await asyncio.sleep(0)

    def _take(self, name: str, data: bytes | None) -> None:
        why = ""
        try:
            self._put(name, data)
        except (ValueError, ShopkeeperError, msgspec.MsgspecError) as error:
            why = type(error).__name__
        if why:  # without a trace, which could show what a shop sells
            log.error("row_unreadable", what=self._name, error=why)


_Entries = list[tuple[bytes, dict[bytes, bytes]]]


def _entries_by_stream(read: object) -> dict[str, _Entries]:
    """Return XREAD's reply in one shape: RESP2 gives a list, RESP3 a map of lists in a list."""
    if isinstance(read, dict):
        return {key.decode(): entries[0] for key, entries in read.items()}
    pairs = cast(Iterable[tuple[bytes, _Entries]], read)
    return {key.decode(): entries for key, entries in pairs}


def _names_in(entries: _Entries, field: bytes) -> list[str]:
    """Return the names that entries tell of in a field, each once."""
    joined = b"\n".join(fields.get(field, b"") for _, fields in entries)
    return [name for name in dict.fromkeys(joined.decode().split("\n")) if name]

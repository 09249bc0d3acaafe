"""Reads the logs of all owned shards, each from its position, with one ``XREAD``.

A shard whose reads come back full is behind; it is then read in large portions, three shards at a
time, while one common read keeps all others fresh. What a round returns is bounded: in Bytewax it
is the only back-pressure there is.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from config.events import (
    ENTRY_FIELD,
    SOURCE_FIELD,
    SOURCE_ID_FIELD,
    SUBJECT_FIELD,
    InvalidEvent,
    Reason,
    decode_entry,
)
from config.keys import Keys
from config.log_ids import log_id
from stream.batch import Logged
from stream.pieces import Decoded

BLOCK_MS = 20
ENTRIES_A_SHARD = 500
ENTRIES_A_ROUND = 2_000
SHARDS_BEHIND_A_ROUND = 3

RawEntry = tuple[bytes, list[bytes] | None]


@dataclass(frozen=True, slots=True)
class Read:
    """What one read returned of one shard: raw entries after ``after``."""

    shard: int
    after: str
    entries: list[RawEntry]


class LogReader:
    """Positions in the logs of the owned shards, shared with the logic that may move them back."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._client.set_response_callback("XREAD", lambda reply, **_: reply)
        self._keys = keys
        self._shards: dict[bytes, int] = {}
        self._behind: deque[int] = deque()
        self.positions: dict[int, str] = {}

    def start(self, shard: int, offset: str) -> None:
        """Read a shard from an offset on; also what sends the source back."""
        self.positions[shard] = offset
        self._shards[self._keys.events(shard).encode()] = shard

    def stand_back(self, offsets: dict[int, str]) -> None:
        """Move back where the stored state reaches less far: Redis came back with older data.

        The next batch would show it too, but a quiet shard has none.
        """
        for shard, offset in offsets.items():
            position = self.positions.get(shard)
            if position is not None and log_id(offset) < log_id(position):
                self.start(shard, offset)

    def stop(self, shard: int) -> None:
        """Read a shard no more."""
        self.positions.pop(shard, None)
        if shard in self._behind:
            self._behind.remove(shard)

    def read(self) -> list[Read]:
        """Return what is new, waiting up to 20 ms where nothing is.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        level = [shard for shard in self.positions if shard not in self._behind]
        reads = []
        if level:
            bound = ENTRIES_A_SHARD if self._behind else ENTRIES_A_ROUND
            count = max(bound // len(level), 1)
            reads = self._xread(level, count, block_ms=None if self._behind else BLOCK_MS)
            self._behind.extend(read.shard for read in reads if len(read.entries) >= count)
        for _ in range(min(SHARDS_BEHIND_A_ROUND, len(self._behind))):
            shard = self._behind.popleft()
            portion = self._xread([shard], ENTRIES_A_SHARD, block_ms=None)
            if portion and len(portion[0].entries) >= ENTRIES_A_SHARD:
                self._behind.append(shard)
            reads += portion
        return reads

    def _xread(self, shards: Iterable[int], count: int, block_ms: int | None) -> list[Read]:
        streams = {self._keys.events(shard): self.positions[shard] for shard in shards}
        reply: Any = self._client.xread(streams, count=count, block=block_ms)  # type: ignore[arg-type]
        reads = []
        # RESP3 answers with a map, RESP2 with a list of pairs.
        for name, entries in reply.items() if isinstance(reply, dict) else reply or ():
            shard = self._shards[name]
            reads.append(Read(shard, self.positions[shard], entries))
            self.positions[shard] = entries[-1][0].decode()
        return reads


def decode(read: Read) -> Decoded:
    """Return the entries of a read, what cannot be read among them as a value."""
    return Decoded(read.shard, read.after, [_decode(entry) for entry in read.entries])


def _decode(entry: RawEntry) -> Logged:
    entry_id, flat = entry
    fields = dict(zip(flat[::2], flat[1::2], strict=True)) if flat else {}
    raw = fields.get(ENTRY_FIELD)
    digest = fields.get(SUBJECT_FIELD, b"").decode(errors="replace")
    if raw is None:
        missing = InvalidEvent(Reason.UNDECODABLE, f"field {ENTRY_FIELD.decode()!r} is missing")
        return Logged(entry_id.decode(), digest, missing, b"")
    if SOURCE_FIELD not in fields:
        return Logged(entry_id.decode(), digest, decode_entry(raw), raw)
    try:
        source, source_id = int(fields[SOURCE_FIELD]), fields[SOURCE_ID_FIELD].decode()
        log_id(source_id)
    except (ValueError, KeyError):
        unknown = InvalidEvent(Reason.UNDECODABLE, "where it was forwarded from cannot be read")
        return Logged(entry_id.decode(), digest, unknown, raw)
    return Logged(entry_id.decode(), digest, decode_entry(raw), raw, source, source_id)

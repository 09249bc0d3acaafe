"""Reads the examples of all user shards, each from its position, for all owned model shards."""

import time
from typing import Any

import redis

from config.events import ENTRY_FIELD
from config.examples import Example, decode_examples
from config.keys import Keys
from config.log_ids import log_id
from stream.commits import START
from stream.model_shards import Part

BLOCK_MS = 50
PAUSE_SECONDS = 0.02  # lets examples gather, so that a row is written less often than it changes
LONGEST_PAUSE_SECONDS = 0.1
MODEL_BYTES_A_SECOND = 1_000_000  # dense models are written whole: large ones gather for longer
ENTRIES_A_ROUND = 1_000


class ExampleReader:
    """Positions in the examples of all sources; the model shards may move them back."""

    def __init__(self, client: redis.Redis, keys: Keys, n_sources: int) -> None:
        self._client = client
        self._client.set_response_callback("XREAD", lambda reply, **_: reply)
        self._keys = keys
        self._sources = {keys.examples(n).encode(): n for n in range(n_sources)}
        self._positions: dict[int, str] = {}
        self._n_bytes = 0

    def wrote(self, n_bytes: int) -> None:
        """Take note of how much of dense models the last round wrote."""
        self._n_bytes += n_bytes

    def stand_at(self, positions: dict[int, str]) -> None:
        """Stand no further than these positions; a source that is not named is at its start."""
        for source in self._sources.values():
            self.send_back(source, positions.get(source, START))

    def send_back(self, source: int, position: str) -> None:
        """Stand no further than a position in one source."""
        known = self._positions.get(source)
        if known is None or log_id(position) < log_id(known):
            self._positions[source] = position

    def reset(self) -> None:
        """Stand nowhere, until told again."""
        self._positions = {}

    def read(self) -> list[Part]:
        """Return what is new, waiting up to 50 ms where nothing is.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        if not self._positions:
            return []
        streams: Any = {
            self._keys.examples(source): position for source, position in self._positions.items()
        }
        count = max(ENTRIES_A_ROUND // len(streams), 4)
        reply: Any = self._client.xread(streams, count=count, block=BLOCK_MS)
        parts = [
            self._part(self._sources[name], entries)
            for name, entries in (reply.items() if isinstance(reply, dict) else reply or ())
        ]
        if parts and all(part.n_entries < count for part in parts):
            time.sleep(pause_after(self._n_bytes))
        self._n_bytes = 0
        return parts

    def _part(self, source: int, entries: list[tuple[bytes, list[bytes]]]) -> Part:
        after, until = self._positions[source], entries[-1][0].decode()
        self._positions[source] = until
        examples: list[tuple[str, Example]] = []
        for entry_id, flat in entries:
            fields = dict(zip(flat[::2], flat[1::2], strict=True)) if flat else {}
            name = entry_id.decode()
            examples += [(name, one) for one in decode_examples(fields.get(ENTRY_FIELD, b""))]
        return Part(source, after, until, examples, len(entries))


def pause_after(n_bytes: int) -> float:
    """Return for how long (s) examples gather after a round that wrote so much of dense models.

    >>> pause_after(0), pause_after(1_000_000)
    (0.02, 0.1)
    """
    return min(PAUSE_SECONDS + n_bytes / MODEL_BYTES_A_SECOND, LONGEST_PAUSE_SECONDS)

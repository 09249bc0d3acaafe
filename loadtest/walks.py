"""What came near what in sessions, by the committed log of steps: no model is asked."""

from collections import defaultdict
from typing import Any

import redis

from config.keys import Keys
from config.log_ids import log_id
from config.session_log import STEPS_FIELD, decode_steps

WITHIN_STEPS = 8
_ENTRIES_AT_ONCE = 1_000


class Walks:
    """All sessions in the log of steps, as far as it was read."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._key = keys.session_log()
        self._position = 0
        self._walks: defaultdict[int, list[str]] = defaultdict(list)
        self._places: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)

    def read(self) -> None:
        """Take in what is new in the log."""
        while True:
            after = f"({self._position}-0"
            entries: Any = self._client.xrange(self._key, after, "+", count=_ENTRIES_AT_ONCE)
            for name, fields in entries:
                self._position = log_id(name.decode())[0]
                for step in decode_steps(fields[STEPS_FIELD]):
                    if step.action == "view":
                        walk = self._walks[step.session]
                        self._places[step.product_id].append((step.session, len(walk)))
                        walk.append(step.product_id)
            if len(entries) < _ENTRIES_AT_ONCE:
                return

    def near(self, product_id: str) -> frozenset[str]:
        """Return what came within ``WITHIN_STEPS`` before or after a product in a session."""
        return frozenset(
            other
            for session, place in self._places[product_id]
            for other in self._walks[session][
                max(place - WITHIN_STEPS, 0) : place + WITHIN_STEPS + 1
            ]
            if other != product_id
        )

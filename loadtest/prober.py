"""Watches the commits of all shards from outside, to tell when an entry was committed."""

import socket
import threading
import time
from bisect import bisect_left
from collections import defaultdict

import hiredis

from config.log_ids import LogId
from loadtest.processes import ShopUnderTest
from loadtest.settled import committed
from loadtest.synthetic import command

_PAUSE_SECONDS = 0.0003


class CommitProber:
    """Reads all commits in one MGET, over and over, in a thread; use it in a ``with``.

    ``gaps_ms`` are the times between two looks: how exact the rest is.
    """

    def __init__(self, shop: ShopUnderTest) -> None:
        names = [shop.keys.commit(shard).encode() for shard in range(shop.ids.n_shards)]
        self._ask = command(b"MGET", *names)
        self._socket_path = shop.socket_path
        self._seen: dict[int, list[tuple[LogId, float]]] = defaultdict(list)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="prober", daemon=True)
        self.gaps_ms: list[float] = []

    def __enter__(self) -> "CommitProber":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def committed_at(self, shard: int, entry: LogId) -> float | None:
        """Return the wall time (s) when a commit that covers the entry was first seen."""
        seen = self._seen[shard]
        place = bisect_left(seen, entry, key=lambda pair: pair[0])
        return seen[place][1] if place < len(seen) else None

    def _watch(self) -> None:
        reader = hiredis.Reader()
        last: list[bytes | None] = []
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self._socket_path)
            before = time.perf_counter()
            is_last = False
            while not is_last:
                is_last = self._stop.is_set()  # one more look after the end, for the last commits
                link.sendall(self._ask)
                while (reply := reader.gets()) is False:
                    reader.feed(link.recv(1 << 16))
                now = time.time()
                if reply != last:
                    for shard, commit in enumerate(reply):
                        if commit is not None and (not last or commit != last[shard]):
                            self._seen[shard].append((committed(commit), now))
                    last = reply
                after = time.perf_counter()
                self.gaps_ms.append(1000 * (after - before))
                before = after
                time.sleep(_PAUSE_SECONDS)

"""One page of metrics for all processes of this shop on this machine.

Servers share a port, so whoever asks meets any of them: the page is the same from each. Every
sample says in ``process`` whose it is, so counters of several processes add up and never jump.
"""

import asyncio
import http.client
from collections import Counter
from collections.abc import Callable, Mapping

import structlog
from prometheus_client import CollectorRegistry, generate_latest

from config.announcements import Announcement, short_name

FETCH_SECONDS = 2.0  # a scrape has 4 s
_REACHABLE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}

log = structlog.get_logger()


class MetricPages:
    """Makes the page: of this process ``me``, and of ``others()`` that answer in time.

    However many ask at once, it is made once.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        me: str,
        others: Callable[[], Mapping[str, Announcement]],
        fetch_seconds: float = FETCH_SECONDS,
    ) -> None:
        self._registry = registry
        self._me = me
        self._others = others
        self._fetch_seconds = fetch_seconds
        self._making: asyncio.Task[bytes] | None = None

    async def page(self) -> bytes:
        """Return the page in Prometheus' text format."""
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._make())
        return await asyncio.shield(self._making)

    async def _make(self) -> bytes:
        others = self._others()
        names = [self._me, *others]
        # Our own in a thread, too: it takes some ms, in which requests get their turns.
        ours = asyncio.to_thread(generate_latest, self._registry)
        theirs = [self._other(name, at) for name, at in others.items()]
        pages = await asyncio.gather(ours, *theirs)
        return merged(dict(zip(shown_names(names), pages, strict=True))).encode()

    async def _other(self, process_id: str, at: Announcement) -> bytes:
        """Return another process' page, nothing where it does not answer: it may have ended."""
        try:
            async with asyncio.timeout(self._fetch_seconds):
                return await asyncio.to_thread(_fetch, at)
        except (OSError, http.client.HTTPException) as error:  # a TimeoutError is an OSError
            log.info("metrics_not_told", process=process_id, error=type(error).__name__)
            return b""


def shown_names(process_ids: list[str]) -> list[str]:
    """Return short names, but whole ids where two would be the same.

    >>> shown_names(["a-server-1-00000000", "b-server-1-11111111", "w-1"])
    ['a-server-1-00000000', 'b-server-1-11111111', 'w-1']
    """
    short = [short_name(one) for one in process_ids]
    n_named = Counter(short)
    return [
        name if n_named[name] == 1 else whole
        for name, whole in zip(short, process_ids, strict=True)
    ]


def merged(pages: Mapping[str, bytes]) -> str:
    """Return pages by process as one, each metric's samples together, as the format wants it.

    >>> page = b"# HELP n Things\\n# TYPE n counter\\nn 1.0\\n"
    >>> print(merged({"a": page, "b": page}), end="")
    # HELP n Things
    # TYPE n counter
    n{process="a"} 1.0
    n{process="b"} 1.0
    """
    families: dict[str, list[str]] = {}
    for process, page in pages.items():
        label = f'process="{process}"'
        for block in page.decode().split("# HELP ")[1:]:
            about, kind, *samples = block.splitlines()
            lines = families.setdefault(about.partition(" ")[0], [f"# HELP {about}", kind])
            lines += [_labelled(sample, label) for sample in samples]
    return "".join(f"{line}\n" for lines in families.values() for line in lines)


def _labelled(sample: str, label: str) -> str:
    name, brace, rest = sample.partition("{")
    if brace:
        return f"{name}{{{label},{rest}"
    name, _, value = sample.partition(" ")
    return f"{name}{{{label}}} {value}"


def _fetch(at: Announcement) -> bytes:
    host = _REACHABLE.get(at.metrics_host, at.metrics_host)
    connection = http.client.HTTPConnection(host, at.metrics_port, timeout=FETCH_SECONDS)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        return answer.read() if answer.status == 200 else b""
    finally:
        connection.close()

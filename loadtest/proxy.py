"""A proxy before Redis that kills a process, loses a reply, or makes Redis slow.

A kill comes at a named point of the work: the proxy reads the protocol on its way through, so that
a fail point is hit exactly there and not around that time. One stands before each process under
test.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable

from loadtest.fail_points import Conversation, FailPoint, Passed

_CHUNK = 64 * 1024
_START_SECONDS = 10.0


class FaultProxy:
    """Stands between one process and Redis, in a thread of its own; use it in a ``with``.

    ``listen`` and ``upstream`` are paths of Unix sockets. ``kill`` ends the process under test at
    once; the proxy's thread calls it. ``hits`` counts the fail points that were hit. Each reply
    comes ``delay_seconds`` later than Redis gave it.
    """

    def __init__(self, listen: str, upstream: str, kill: Callable[[], None]) -> None:
        self._listen, self._upstream, self._kill = listen, upstream, kill
        self._armed: FailPoint | None = None
        self._hit = threading.Event()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self.hits: Counter[FailPoint] = Counter()
        self.delay_seconds = 0.0

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise TimeoutError(f"the fault proxy does not listen on {self._listen}")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def arm(self, point: FailPoint) -> None:
        """Let the next occasion of ``point`` be hit, once."""
        self._hit.clear()
        self._armed = point

    def disarm(self) -> None:
        """Let nothing be hit any more."""
        self._armed = None

    def wait_hit(self, seconds: float) -> bool:
        """Wait until the armed fail point was hit; False where it was not in time."""
        return self._hit.wait(seconds)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_unix_server(self._connect, self._listen)
        self._ready.set()
        await self._stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # an aborted transport closes its socket in the next round

    async def _connect(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        try:
            from_redis, to_redis = await asyncio.open_unix_connection(self._upstream)
        except OSError:  # Redis is down: the client sees its connection end
            to_client.transport.abort()
            return
        conversation = Conversation(self._takes)
        late = _Late(to_client, lambda: self.delay_seconds)
        pumps = [
            asyncio.create_task(self._pump(from_client, to_redis, conversation.commands)),
            asyncio.create_task(self._pump(from_redis, late, conversation.replies)),
            asyncio.create_task(late.run()),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:  # also where the proxy ends
            for pump in pumps:
                pump.cancel()
            to_redis.transport.abort()
            to_client.transport.abort()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: "asyncio.StreamWriter | _Late",
        passing: Callable[[bytes], Passed],
    ) -> None:
        """Pass bytes on until one side ends or a fail point is hit; both end the connection."""
        while data := await reader.read(_CHUNK):
            passed = passing(data)
            writer.write(passed.data)
            await writer.drain()
            if passed.hit:
                self._strike(passed.hit)
                return

    def _takes(self, point: FailPoint) -> bool:
        if self._armed is not point:
            return False
        self._armed = None
        return True

    def _strike(self, point: FailPoint) -> None:
        if point is not FailPoint.REPLY_DROPPED:
            self._kill()
        self.hits[point] += 1
        self._hit.set()


class _Late:
    """Writes bytes in order, each as late as ``delay_seconds`` says when they come."""

    def __init__(self, writer: asyncio.StreamWriter, delay_seconds: Callable[[], float]) -> None:
        self._writer, self._delay_seconds = writer, delay_seconds
        self._queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._n_late = 0

    def write(self, data: bytes) -> None:
        """Take bytes, to be written when their time has come."""
        delay_seconds = self._delay_seconds()
        if not self._n_late and not delay_seconds:
            self._writer.write(data)
            return
        self._n_late += 1
        self._queue.put_nowait((asyncio.get_running_loop().time() + delay_seconds, data))

    async def drain(self) -> None:
        """Wait as a writer does; what is late is bounded by what the client asks for."""
        if not self._n_late:
            await self._writer.drain()

    async def run(self) -> None:
        """Write what was late, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_at, data = await self._queue.get()
            await asyncio.sleep(max(due_at - loop.time(), 0))
            self._writer.write(data)
            self._n_late -= 1
            await self._writer.drain()

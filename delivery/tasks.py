"""Tasks that fail together and surely end.

``asyncio.TaskGroup`` cancels a task once; but redis-py sends through ``wait_for``, which on Python
3.11 swallows a cancellation that comes in the very moment when it is done
(https://github.com/python/cpython/issues/86296).
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

_AGAIN_SECONDS = 0.25


class Tasks:
    """Tasks of one owner, who is told by ``failed`` when one of them raised something."""

    def __init__(self, failed: Callable[[], None] = lambda: None) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._changed = asyncio.Event()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def check(self) -> None:
        """Raise what the first task raised that failed, if one did."""
        if self._error is not None:
            raise self._error

    async def until_done(self, *wanted: asyncio.Task[None]) -> None:
        """Wait for some, or for all; raise what any task raised meanwhile."""
        while any(not task.done() for task in wanted or self._running):
            self.check()
            self._changed.clear()
            await self._changed.wait()
        self.check()

    async def close(self) -> None:
        """End all of them."""
        await asyncio.gather(*map(end, list(self._running)))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._changed.set()
        if not task.cancelled() and task.exception() is not None and self._error is None:
            self._error = task.exception()
            self._failed()


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN_SECONDS)

"""Runs things at planned times, to a tenth of a millisecond."""

import asyncio
import selectors
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def run_precisely(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine on a loop whose timers are exact.

    epoll and uvloop count in whole milliseconds, so what should leave now leaves up to one later;
    select counts in microseconds, and a generator has few connections.
    """

    def new_loop() -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(selectors.SelectSelector())

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)


async def planned(began: float, per_second: float, seconds: float) -> AsyncIterator[float]:
    """Yield the wall time (s) of each planned moment, not before it has come, from ``began`` on.

    Where the caller is late, the moments that have passed follow at once.
    """
    for number in range(round(per_second * seconds)):
        due_at = began + number / per_second
        left = due_at - time.time()
        if left > 0:
            await asyncio.sleep(left)
        yield due_at

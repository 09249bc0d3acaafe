"""Open loop: decisions are asked for at planned times, whatever the server does with them.

Runs in a process of its own (``loadtest.generator``). Latency counts from the planned time.
"""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from loadtest.decisions import PATH, read_decision, stages_of
from loadtest.pace import planned, run_precisely
from loadtest.wire import NO_ANSWER, Lines, post

OK = 200
ANSWER_SECONDS = 5.0
_LINES = 16


class Steady(msgspec.Struct, frozen=True, kw_only=True, tag="steady"):
    """What to ask how often; ``bodies`` are asked in turn."""

    port: int
    key: str
    bodies: list[str]
    per_second: float
    seconds: float


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """One decision: when it was due (wall time, s), and what came of it after how long.

    ``status`` 0: no answer. ``is_personal`` and ``says_fallback`` as in ``decisions.Decision``;
    ``stages_ms``: read, decide, encode, as the server says.
    """

    due_at: float
    latency_ms: float
    status: int
    is_personal: bool = False
    says_fallback: bool = False
    server_ms: float = 0.0
    stages_ms: tuple[float, ...] = ()


def ask_steadily(job: Steady) -> list[Asked]:
    """Ask at the job's rate and return what became of each decision, in the order they left."""
    return run_precisely(_ask_all(job))


async def ask_decision(lines: Lines, request: bytes, due_at: float) -> Asked:
    """Ask for one decision and read it."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await lines.ask(request)
    except TimeoutError:
        answer = NO_ANSWER
    latency_ms = 1000 * (time.time() - due_at)
    if answer.status != OK:
        return Asked(due_at, latency_ms, answer.status)
    read = read_decision(answer.body)
    stages = stages_of(answer.head)
    return Asked(
        due_at, latency_ms, OK, read.is_personal, read.says_fallback, read.server_ms, stages
    )


async def open_lines(port: int, n_lines: int = _LINES) -> Lines:
    """Return connections to a server on this machine."""
    lines = Lines("127.0.0.1", port)
    await lines.open(n_lines)
    return lines


def requests_of(key: str, bodies: Sequence[str]) -> list[bytes]:
    """Return whole requests for these bodies."""
    return [post(PATH, key, body.encode()) for body in bodies]


async def _ask_all(job: Steady) -> list[Asked]:
    lines, requests = await open_lines(job.port), requests_of(job.key, job.bodies)
    tasks: list[asyncio.Task[Asked]] = []
    async for due_at in planned(time.time() + 0.1, job.per_second, job.seconds):
        request = requests[len(tasks) % len(requests)]
        tasks.append(asyncio.create_task(ask_decision(lines, request, due_at)))
    asked = await asyncio.gather(*tasks)
    lines.close()
    return asked

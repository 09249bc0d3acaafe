"""A shop's whole traffic at once, and probes of how soon a decision knows of an event.

Runs in a process of its own (``loadtest.generator``), open loop. Of some events the visitor is
asked about, every 2 ms from the 200 on, until a decision covers the event's log id. And now and
then one visitor goes from a product that nobody has seen to another; a second visitor, who looked
at the first one before, is asked about until the other is suggested.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
import orjson

from config.log_ids import log_id
from loadtest.decisions import NEXT_BEST, PATH, Decision, read_decision, visitor_request
from loadtest.pace import planned, run_precisely
from loadtest.steady import OK, Asked, ask_decision, open_lines, requests_of
from loadtest.wire import Lines, post

PROBE_EVERY_SECONDS = 0.002
PAIR_PROBE_EVERY_SECONDS = 0.01
PATIENCE = 50  # probes; then slower, or they alone would be too much for a server that is late
SLOWER_EVERY_SECONDS = 0.05
GIVE_UP_SECONDS = 5.0
PAIR_GAP_SECONDS = 1.0
BATCH_PATH = "/v1/batch?ids=true"


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """A batch's body, and whom each of its events is about."""

    body: str
    visitors: list[str]


class Freshening(msgspec.Struct, frozen=True, kw_only=True, tag="freshening"):
    """Batches and decisions at their rates; the event in the middle of each
    ``probe_every_batches``-th batch is probed. What falls into the warm-up is not reported.
    """

    port: int
    key: str
    run: str
    batches: list[Batch]
    batches_per_second: float
    probe_every_batches: int
    bodies: list[str]
    decisions_per_second: float
    pairs_per_second: float
    warm_up_seconds: float
    seconds: float


class Fresh(msgspec.Struct, kw_only=True):
    """What came of it; ``stale`` and ``unlearned`` count probes that gave up after 5 s,
    and are there as 5 s.

    ``freshness_ms``: from the 200 to the arrival of the first decision that covers the event.
    ``learned_ms``: from the log id of a step to the arrival of the first decision that suggests
    it. ``reply_ms``: from when a batch was due to its answer.
    """

    decisions: list[Asked] = []
    freshness_ms: list[float] = []
    learned_ms: list[float] = []
    reply_ms: list[float] = []
    refused_batches: int = 0
    stale: int = 0
    unlearned: int = 0


def freshen(job: Freshening) -> Fresh:
    """Do all of a job's traffic and return what was seen."""
    return run_precisely(_Traffic(job).run())


def pair_of(run: str, number: int) -> tuple[str, str]:
    """Return the two products of a step that only this run takes; both are in the catalog."""
    return f"pair-{run}-{number}-a", f"pair-{run}-{number}-b"


class _Traffic:
    def __init__(self, job: Freshening) -> None:
        self._job = job
        self._fresh = Fresh()
        self._lines: Lines
        self._tasks: list[asyncio.Task[None]] = []
        self._counts_from = 0.0

    async def run(self) -> Fresh:
        job = self._job
        self._lines = await open_lines(job.port, 32)
        began = time.time() + 0.1
        self._counts_from = began + job.warm_up_seconds
        async with asyncio.TaskGroup() as all_of_it:
            all_of_it.create_task(self._send_batches(began))
            all_of_it.create_task(self._ask_decisions(began))
            all_of_it.create_task(self._take_steps(began))
        await asyncio.gather(*self._tasks)
        self._lines.close()
        return self._fresh

    async def _send_batches(self, began: float) -> None:
        job = self._job
        numbered = enumerate(job.batches)
        async for due_at in planned(began, job.batches_per_second, self._length):
            number, batch = next(numbered)
            self._start(self._send_batch(due_at, batch, number % job.probe_every_batches == 0))

    async def _ask_decisions(self, began: float) -> None:
        job = self._job
        requests, number = requests_of(job.key, job.bodies), 0
        async for due_at in planned(began, job.decisions_per_second, self._length):
            self._start(self._ask(due_at, requests[number % len(requests)]))
            number += 1

    async def _take_steps(self, began: float) -> None:
        job, number = self._job, 0
        async for due_at in planned(began, job.pairs_per_second, self._length - PAIR_GAP_SECONDS):
            self._start(self._take_step(due_at, number))
            number += 1

    async def _send_batch(self, due_at: float, batch: Batch, is_probed: bool) -> None:
        ids = await self._append(batch.body)
        answered_at = time.time()
        is_counted = due_at >= self._counts_from
        if is_counted:
            self._fresh.reply_ms.append(1000 * (answered_at - due_at))
            self._fresh.refused_batches += not ids
        if not is_counted or not is_probed or not ids:
            return
        place = len(ids) // 2
        entry = log_id(ids[place])
        at = await self._first(
            visitor_request(batch.visitors[place]),
            lambda decision: log_id(decision.applied_up_to) >= entry,
            PROBE_EVERY_SECONDS,
        )
        self._fresh.stale += at is None
        waited_seconds = GIVE_UP_SECONDS if at is None else at - answered_at
        self._fresh.freshness_ms.append(1000 * waited_seconds)

    async def _ask(self, due_at: float, request: bytes) -> None:
        asked = await ask_decision(self._lines, request, due_at)
        if due_at >= self._counts_from:
            self._fresh.decisions.append(asked)

    async def _take_step(self, due_at: float, number: int) -> None:
        """Let one visitor go from a to b; ask for another, who is at a, until b is suggested."""
        a, b = pair_of(self._job.run, number)
        leader, follower = f"leader-{self._job.run}-{number}", f"follower-{self._job.run}-{number}"
        await self._append(_views((follower, a)))
        await asyncio.sleep(PAIR_GAP_SECONDS)
        ids = await self._append(_views((leader, a), (leader, b)))
        if due_at + PAIR_GAP_SECONDS < self._counts_from or not ids:
            return
        at = await self._first(
            visitor_request(follower, (NEXT_BEST,)),
            lambda decision: b in decision.products,
            PAIR_PROBE_EVERY_SECONDS,
        )
        self._fresh.unlearned += at is None
        appended_ms, _ = log_id(ids[1])
        waited_ms = 1000 * GIVE_UP_SECONDS if at is None else 1000 * at - appended_ms
        self._fresh.learned_ms.append(waited_ms)

    async def _append(self, body: str) -> list[str]:
        """Send a batch; return its log ids, none where it was refused."""
        answer = await self._lines.ask(post(BATCH_PATH, self._job.key, body.encode()))
        return orjson.loads(answer.body).get("ids", []) if answer.status == OK else []

    async def _first(
        self, body: bytes, is_wanted: Callable[[Decision], bool], every_seconds: float
    ) -> float | None:
        """Ask at a steady pace; return when (wall time, s) the first wanted decision came."""
        request = post(PATH, self._job.key, body)
        found: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        probes: list[asyncio.Task[None]] = []

        async def probe() -> None:
            answer = await self._lines.ask(request)
            now = time.time()
            is_answer = answer.status == OK and not found.done()
            if is_answer and is_wanted(read_decision(answer.body)):
                found.set_result(now)

        began, patient_seconds = time.time(), PATIENCE * every_seconds
        for starts_at, every, seconds in (
            (began, every_seconds, patient_seconds),
            (began + patient_seconds, SLOWER_EVERY_SECONDS, GIVE_UP_SECONDS - patient_seconds),
        ):
            async for _ in planned(starts_at, 1 / every, seconds):
                if found.done():
                    break
                probes.append(asyncio.create_task(probe()))
        await asyncio.gather(*probes)
        return found.result() if found.done() else None

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    @property
    def _length(self) -> float:
        return self._job.warm_up_seconds + self._job.seconds


def _views(*views: Sequence[str]) -> str:
    """Return a batch in which each visitor views a product."""
    events = [
        {
            "type": "track",
            "event": "Product Viewed",
            "anonymousId": visitor,
            "messageId": f"{visitor}-{product}",
            "properties": {"product_id": product, "category": "pairs"},
        }
        for visitor, product in views
    ]
    return orjson.dumps({"batch": events}).decode()

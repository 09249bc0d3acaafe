"""Closed loop: each connection asks again as soon as it is answered; the server is never idle.

Runs in a process of its own (``loadtest.generator``), with answers kept as bytes and read when the
clock has stopped, so that the generator takes as little as it can of the machine it measures.
"""

import asyncio
import time

import msgspec
import uvloop

from loadtest.decisions import read_decision
from loadtest.wire import Answer, Line, post

OK = 200


class Saturation(msgspec.Struct, frozen=True, kw_only=True, tag="saturation"):
    """Where to ask what, over how many connections; ``bodies`` are asked in turn.

    ``is_decision``: the answers are decisions, to be read.
    """

    port: int
    path: str
    key: str
    bodies: list[str]
    connections: int
    warm_up_seconds: float
    seconds: float
    is_decision: bool


class Saturated(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it after the warm-up; rates are shares of ``n_answers``."""

    n_answers: int
    n_warm_up_answers: int
    n_failures: int
    requests_per_second: float
    generator_cpu_rate: float
    answer_bytes: float
    personal_rate: float
    fallback_rate: float


def saturate(job: Saturation) -> Saturated:
    """Keep the server busy for the time of the job."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Crowd(job).run())


class _Crowd:
    def __init__(self, job: Saturation) -> None:
        self._job = job
        self._requests = [post(job.path, job.key, body.encode()) for body in job.bodies]
        self._next = 0
        self._answers: list[bytes] = []
        self._n_failures = 0
        self._stopped = False

    async def run(self) -> Saturated:
        loop, job = asyncio.get_running_loop(), self._job
        lines = [
            (await loop.create_connection(lambda: Line(self._take), "127.0.0.1", job.port))[1]
            for _ in range(job.connections)
        ]
        for line in lines:
            self._ask(line)
        await asyncio.sleep(job.warm_up_seconds)
        n_warm_up = len(self._answers)
        self._answers.clear()
        self._n_failures = 0
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.sleep(job.seconds)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        self._stopped = True
        for line in lines:
            line.close()
        return self._summary(n_warm_up, seconds, cpu)

    def _ask(self, line: Line) -> None:
        line.send(self._requests[self._next])
        self._next = (self._next + 1) % len(self._requests)

    def _take(self, line: Line, answer: Answer) -> None:
        if self._stopped:
            return
        if answer.status == OK:
            self._answers.append(answer.body)
        else:
            self._n_failures += 1
        if answer.status:
            self._ask(line)

    def _summary(self, n_warm_up: int, seconds: float, cpu_seconds: float) -> Saturated:
        n_answers = len(self._answers)
        read = [read_decision(body) for body in self._answers] if self._job.is_decision else []
        return Saturated(
            n_answers=n_answers,
            n_warm_up_answers=n_warm_up,
            n_failures=self._n_failures,
            requests_per_second=n_answers / seconds,
            generator_cpu_rate=cpu_seconds / seconds,
            answer_bytes=sum(map(len, self._answers)) / max(n_answers, 1),
            personal_rate=sum(decision.is_personal for decision in read) / max(len(read), 1),
            fallback_rate=sum(decision.says_fallback for decision in read) / max(len(read), 1),
        )

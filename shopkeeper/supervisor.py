"""Keeps children running: starts them in order, restarts with back-off, stops in reverse.

Kept out: which children there are (``shop.py``) and how one is started (``children.py``).
"""

import signal
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from types import FrameType

from config.errors import ShopkeeperError
from shopkeeper.children import Child, Role
from shopkeeper.restarts import describe_end

REFUSED = 2  # exit code of a child that says that starting it again is of no use
_BEATING = ("worker", "learner", "deliverer")
STEP_SECONDS = 0.05
LOOK_SECONDS = 1.0
STOP_SECONDS = 15.0


class ChildRefused(ShopkeeperError):
    """A child could not start for a reason that a restart does not mend; its text follows."""


class StopRequests:
    """Counts SIGINT, SIGTERM and SIGHUP while in use: the first stops, the second kills."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "StopRequests":
        """Take the signals over."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


class Supervisor:
    """Children in the order of their start.

    ``heartbeat(id)`` tells whether the heartbeat of a worker, learner or deliverer is there, None
    where Redis does not answer.
    ``say`` gets what the supervisor has to tell, ``echo`` each line of a child.
    """

    def __init__(
        self,
        requests: StopRequests,
        heartbeat: Callable[[str], bool | None],
        say: Callable[[str], None],
        echo: Callable[[str], None],
    ) -> None:
        self.children: list[Child] = []
        self._requests = requests
        self._heartbeat = heartbeat
        self._say = say
        self._echo = echo
        self._next_look = 0.0

    @property
    def restarts(self) -> int:
        """How many times a child was started again."""
        return sum(child.restarts for child in self.children)

    def start(self, roles: Sequence[Role]) -> None:
        """Start these after those that run already."""
        for role in roles:
            child = Child(role, self._echo)
            child.start()
            self.children.append(child)

    def step(self) -> None:
        """Look after the children once; takes a twentieth of a second.

        Raises:
            ChildRefused: a child's first start failed for good.
        """
        time.sleep(STEP_SECONDS)
        now = time.monotonic()
        for child in self.children:
            if child.start_at is not None:
                if now >= child.start_at:
                    child.restarts += 1
                    child.start()
            elif (code := child.process.poll()) is not None:
                self._plan_restart(child, code, now)
        if now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._look_for_stuck_workers()

    def stop(self) -> bool:
        """Stop all, last started first; return False where some had to be killed."""
        latest_first = reversed(self.children)
        waves = [list(wave) for _, wave in groupby(latest_first, lambda child: child.role.kind)]
        clean = [self._stop_wave(wave) for wave in waves]
        return all(clean)

    def _plan_restart(self, child: Child, code: int, now: float) -> None:
        why = child.kill_reason or describe_end(code)
        tail = child.last_lines()
        if code == REFUSED and child.restarts == 0:
            raise ChildRefused(f"{child.role.name} could not start:\n{tail}")
        delay = child.backoff.delay(now - child.started_at)
        child.start_at = now + delay
        words = f"; its last words:\n{tail}" if tail else ""
        self._say(f"{child.role.name} {why}; starts again in {delay:g} s{words}")

    def _look_for_stuck_workers(self) -> None:
        for child in self.children:
            if child.role.kind not in _BEATING or child.start_at is not None:
                continue
            if child.watch.is_stuck(time.monotonic(), self._heartbeat(child.id)):
                child.kill_reason = "runs, but its heartbeat is gone: killed"
                child.send(signal.SIGKILL)

    def _stop_wave(self, wave: Sequence[Child]) -> bool:
        for child in wave:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.process.poll() is None for child in wave):
            if time.monotonic() > deadline or self._requests.count > 1:
                for child in wave:
                    child.send(signal.SIGKILL)
                    child.process.wait()
                return False
            time.sleep(STEP_SECONDS)
        return True

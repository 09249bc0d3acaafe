"""One supervised child: started, listened to, told to end."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from config import announcements
from config.processes import ENVIRONMENT
from shopkeeper.lifeline import tied
from shopkeeper.restarts import Backoff, HeartbeatWatch

LAST_LINES = 5


@dataclass(frozen=True, slots=True)
class Role:
    """What a child is: its name, and how it is started each time.

    All of a ``kind`` are stopped together. ``command`` gets the child's id, new at every start.
    ``last_words`` is the signal that it gets when the supervisor dies.
    """

    kind: announcements.Role | Literal["redis"]
    name: str
    command: Callable[[str], Sequence[str]]
    pass_fds: tuple[int, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    last_words: signal.Signals = signal.SIGKILL


class Child:
    """A process of a role, and the times of its starts; ``echo`` gets each line that it writes."""

    def __init__(self, role: Role, echo: Callable[[str], None]) -> None:
        self.role = role
        self.restarts = 0
        self.backoff = Backoff()
        self.start_at: float | None = None  # monotonic; None while it runs
        self.kill_reason = ""
        self._echo = echo

    def _usual_environ(self) -> Mapping[str, str]:
        # Redis has its own allocator, and forks.
        return {} if self.role.kind == "redis" else ENVIRONMENT

    def start(self) -> None:
        """Start it in a session of its own, so that a Ctrl-C reaches the supervisor alone."""
        self.started_at = time.monotonic()
        self.start_at = None
        self.kill_reason = ""
        self.id = f"{os.uname().nodename}-{self.role.name}-{os.urandom(4).hex()}"
        self.watch = HeartbeatWatch()
        self._tail: deque[str] = deque(maxlen=LAST_LINES)
        self.process = subprocess.Popen(
            tied(self.role.command(self.id), self.role.last_words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**self._usual_environ(), **os.environ, **self.role.environ},
            pass_fds=self.role.pass_fds,
            start_new_session=True,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and to whatever it started; one that has ended is left alone."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def last_lines(self) -> str:
        """Return what it wrote last; call it once it has ended."""
        self._reader.join(timeout=1.0)
        return "\n".join(f"    {line}" for line in self._tail)

    def _listen(self) -> None:
        stdout = self.process.stdout
        if stdout is None:
            return
        tail = self._tail
        with stdout:
            for line in stdout:
                tail.append(line.rstrip("\n"))
                self._echo(f"{self.role.name} | {line.rstrip()}")

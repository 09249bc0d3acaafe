"""A process that a load test starts, kills, freezes and starts again."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_STOP_SECONDS = 10.0
_TAIL_BYTES = 2_000


class ChildFailed(Exception):
    """A child did not come up, or not down; the text ends with its last lines."""


class Child:
    """A process that can be killed and started again; it writes into ``log``."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self._command, self._environ, self._log = command, environ, log
        self._process: subprocess.Popen[bytes] | None = None
        self.wanted = False
        self.starts = 0

    def start(self) -> None:
        """Start it, in a process group of its own."""
        self.wanted = True
        self.starts += 1
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environ},
                start_new_session=True,
            )

    def tend(self) -> None:
        """Start it again if it ended and should not have."""
        if self.wanted and not self.alive:
            self.start()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id, and its group's."""
        if self._process is None:
            raise ChildFailed("it was never started")
        return self._process.pid

    def kill(self) -> None:
        """Kill it at once, with what it started."""
        self._send(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it stand still, its connections open."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to end and wait; kill it where it does not."""
        self.wanted = False
        if self._process is None:
            return
        self._send(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        self._send(signal.SIGKILL)
        self._process.wait()

    def cpu_seconds(self) -> float:
        """Return the processor time that it used so far (Linux)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def last_lines(self) -> str:
        """Return the end of what it wrote."""
        return self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")

    def _send(self, number: signal.Signals) -> None:
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

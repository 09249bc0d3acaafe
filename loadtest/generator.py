"""A load generator in a process of its own: a job comes in as JSON, what came of it goes out.

``python -m loadtest.generator < job.json > result.json``
"""

import subprocess
import sys
from types import TracebackType
from typing import Generic, TypeVar

import msgspec

from loadtest.children import ChildFailed
from loadtest.freshness_load import Fresh, Freshening, freshen
from loadtest.processes import Launch
from loadtest.saturation import Saturated, Saturation, saturate
from loadtest.steady import Asked, Steady, ask_steadily

Job = Saturation | Steady | Freshening
_Result = TypeVar("_Result")


class Generator(Generic[_Result]):
    """A job that runs beside this process; it ends with the ``with`` at the latest."""

    def __init__(self, job: Job, result: type[_Result], launch: Launch) -> None:
        self._result = result
        self._process = subprocess.Popen(
            launch([sys.executable, "-m", "loadtest.generator"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(job))
        self._process.stdin.close()
        self._process.stdin = None

    def __enter__(self) -> "Generator[_Result]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def wait(self) -> _Result:
        """Return what came of the job.

        Raises:
            ChildFailed: the generator ended without a result; it said why on stderr.
        """
        out, _ = self._process.communicate()
        if self._process.returncode:
            raise ChildFailed(f"the load generator ended with {self._process.returncode}")
        return msgspec.json.decode(out, type=self._result)


def generate(job: Job, result: type[_Result], launch: Launch) -> _Result:
    """Run a job in a process of its own and return what came of it."""
    with Generator(job, result, launch) as generator:
        return generator.wait()


def _main() -> None:
    job: Job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    result: Saturated | list[Asked] | Fresh
    match job:
        case Saturation():
            result = saturate(job)
        case Steady():
            result = ask_steadily(job)
        case Freshening():
            result = freshen(job)
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    _main()

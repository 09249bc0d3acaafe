"""Starts a program that dies with its parent, even where the parent is killed with SIGKILL.

``python lifeline.py PARENT SIGNAL PROGRAM ARGUMENT…`` asks the kernel for SIGNAL at the
parent's death (Linux: prctl(2), PR_SET_PDEATHSIG, which survives exec) and then becomes PROGRAM,
under the same process id. On other systems it only becomes PROGRAM: there a killed supervisor
leaves its children behind, and the next start says which.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def tied(command: Sequence[str], last_words: signal.Signals = signal.SIGKILL) -> list[str]:
    """Return the command that runs ``command`` and gets ``last_words`` when this process dies.

    The kernel watches the thread that starts it: start it from a thread that lives on.
    """
    python = [sys.executable, "-I", "-S", __file__]  # by path: needs no package, starts in 10 ms
    return [*python, str(os.getpid()), str(int(last_words)), *command]


def _main(arguments: Sequence[str]) -> None:
    parent, last_words, program = int(arguments[0]), int(arguments[1]), list(arguments[2:])
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, last_words, 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was asked
        sys.exit(1)
    os.execv(program[0], program)


if __name__ == "__main__":
    _main(sys.argv[1:])

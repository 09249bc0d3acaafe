"""Who used the processor while something was measured: the shop's processes, the load, and others.

What others use makes a figure worse, and nothing else in it says so.
"""

import os
import resource
from pathlib import Path

from loadtest.processes import ShopUnderTest

_IDLE_FIELDS = (3, 4)  # of /proc/stat: idle, and waiting for a disk


def cpu_seconds(shop: ShopUnderTest) -> dict[str, float]:
    """Return the processor time (s) used so far: of each process, the generators, and others."""
    used = {name: child.cpu_seconds() for name, child in shop.children.items()}
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    used["generator"] = ended.ru_utime + ended.ru_stime + own.ru_utime + own.ru_stime
    return used | {"others": busy_seconds() - sum(used.values())}


def cores_used(
    before: dict[str, float], after: dict[str, float], seconds: float
) -> dict[str, float]:
    """Return how many cores each used, on average.

    >>> cores_used({"server": 1.0}, {"server": 6.0}, 10.0)
    {'server': 0.5}
    """
    return {name: round((after[name] - before[name]) / seconds, 3) for name in after}


def busy_seconds() -> float:
    """Return the processor time (s) that the whole machine has used since it started (Linux)."""
    line = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0]
    ticks = [int(field) for field in line.split()[1:8]]  # up to softirq; the rest is counted twice
    idle = sum(ticks[place] for place in _IDLE_FIELDS)
    return (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK")

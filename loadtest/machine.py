"""Names the machine that a figure comes from."""

import os
import platform
from pathlib import Path
from typing import Any

import redis


def machine(client: redis.Redis) -> dict[str, Any]:
    """Return processor, cores, and the versions of Python and Redis."""
    info: Any = client.info("server")
    return bare_machine() | {"redis": info["redis_version"]}


def bare_machine() -> dict[str, Any]:
    """Return the same where there is no Redis."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()

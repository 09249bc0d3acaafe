"""What is wrong with a Redis that shall keep events, told from its ``INFO``: one list for all."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

FULL_RATE = 0.8  # share of maxmemory from which nothing more is taken in


class Fault(StrEnum):
    """A fault by its name, as ``/readyz`` tells it."""

    APPEND_ONLY = "redis_append_only_file_off"
    APPEND_ONLY_WRITES = "redis_append_only_file_fails"
    NO_EVICTION = "redis_evicts_keys"
    MAX_MEMORY = "redis_has_no_maxmemory"
    MEMORY = "redis_memory_above_80_percent"


REMEDIES = {
    Fault.APPEND_ONLY: "this Redis has no append-only file, so a kill would lose everything: "
    "set 'appendonly yes'",
    Fault.NO_EVICTION: "this Redis evicts keys, events that nobody has read among them: "
    "set 'maxmemory-policy noeviction'",
    Fault.MAX_MEMORY: "this Redis has no memory limit, so nobody can tell when it is full: "
    "set 'maxmemory'",
}


class Health(NamedTuple):
    """What ``INFO`` shows; ``memory_rate`` is the share of ``maxmemory`` in use."""

    faults: frozenset[Fault]
    memory_rate: float


def judge(info: Mapping[str, Any]) -> Health:
    """Return the faults that the sections ``persistence`` and ``memory`` of ``INFO`` show.

    >>> sound = {"maxmemory": 10, "used_memory": 9, "maxmemory_policy": "noeviction"}
    >>> judge({**sound, "aof_enabled": 1, "aof_last_write_status": "ok"}).faults
    frozenset({<Fault.MEMORY: 'redis_memory_above_80_percent'>})
    """
    max_memory = int(info.get("maxmemory", 0))
    memory_rate = int(info.get("used_memory", 0)) / max_memory if max_memory else 0.0
    found = {
        Fault.APPEND_ONLY: int(info.get("aof_enabled", 0)) != 1,
        Fault.APPEND_ONLY_WRITES: info.get("aof_last_write_status", "ok") != "ok",
        Fault.NO_EVICTION: info.get("maxmemory_policy") != "noeviction",
        Fault.MAX_MEMORY: max_memory == 0,
        Fault.MEMORY: memory_rate >= FULL_RATE,
    }
    return Health(frozenset(fault for fault, is_so in found.items() if is_so), memory_rate)

"""Ids of decisions: random, and led by their time, so that one is found again without a search."""

import re
from random import Random

_TIME_DIGITS = 11  # of ms in hex, until the year 2527
_RANDOM_BYTES = 7
_ID = re.compile(rf"[0-9a-f]{{{_TIME_DIGITS + 2 * _RANDOM_BYTES}}}")


def new_decision_id(now: int, rng: Random) -> str:
    """Return an id for a decision at ``now`` (ms)."""
    return f"{now:0{_TIME_DIGITS}x}{rng.getrandbits(8 * _RANDOM_BYTES):0{2 * _RANDOM_BYTES}x}"


def time_of(decision_id: str) -> int | None:
    """Return when a decision was made (ms), None where this is no id of one.

    >>> time_of(new_decision_id(1_700_000_000_000, Random(1)))
    1700000000000
    """
    return int(decision_id[:_TIME_DIGITS], 16) if _ID.fullmatch(decision_id) else None

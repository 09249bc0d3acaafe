"""Lengths of time in ms, as all times here are, and as files say them: ``"30 minutes"``."""

from typing import Annotated

import msgspec

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_UNITS_MS = {"second": 1_000, "minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS}

Duration = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^[1-9][0-9]{{0,5}} ({'|'.join(_UNITS_MS)})s?$",
        description='a time such as "30 minutes", "2 hours" or "7 days"',
    ),
]


def duration_ms(text: str) -> int:
    """Return how long a duration is (ms).

    >>> duration_ms("30 minutes"), duration_ms("1 day")
    (1800000, 86400000)
    """
    number, unit = text.split(" ")
    return int(number) * _UNITS_MS[unit.removesuffix("s")]

"""How long something takes, as files say it: ``"30 minutes"``, ``"7 days"``."""

from typing import Annotated

import msgspec

_UNITS_MS = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}

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

"""What models learned of a user in a day: hashes of it, sorted, four bytes each.

As bytes, because servers read every user's state for each decision and have no use for these. An
order that two histories told before they met was learned twice, and stands there twice.
"""

from array import array
from bisect import bisect_left, insort
from zlib import crc32

from online_models.users import MAX_TAUGHT, MAX_TAUGHT_TIMES

_FORM = "I"


def take(taught: bytes, what: str) -> bytes | None:
    """Return ``taught`` with one more; None where what it is counted often enough, or all do.

    >>> once = take(b"", "view:boots")
    >>> take(take(once, "view:boots"), "view:boots") == 3 * once
    True
    >>> take(3 * once, "view:boots") is None
    True
    """
    marks = array(_FORM, taught)
    mark = crc32(what.encode())
    place = bisect_left(marks, mark)
    if len(marks) >= MAX_TAUGHT or marks[place : place + MAX_TAUGHT_TIMES].count(mark) == (
        MAX_TAUGHT_TIMES
    ):
        return None
    insort(marks, mark)
    return marks.tobytes()


def join(taught: bytes, other: bytes) -> bytes:
    """Return what two histories taught on the same day."""
    marks = sorted((*array(_FORM, taught), *array(_FORM, other)))
    kept = [
        mark
        for place, mark in enumerate(marks)
        if place < MAX_TAUGHT_TIMES or marks[place - MAX_TAUGHT_TIMES] != mark
    ]
    return array(_FORM, kept[:MAX_TAUGHT]).tobytes()

"""What models learned of a user in a day: hashes of it, sorted, four bytes each.

As bytes, because servers read every user's state for each decision and have no use for these. What
two histories taught before they met was learned of both, and stands there of both.
"""

from array import array
from bisect import bisect_left, insort
from zlib import crc32

from online_models.users import MAX_TAUGHT

_FORM = "I"


def take(taught: bytes, what: str, times: int) -> bytes | None:
    """Return ``taught`` with one more; None where what it is counted so many times, or all do.

    >>> once = take(b"", "view:boots", 2)
    >>> take(once, "view:boots", 2) == 2 * once
    True
    >>> take(2 * once, "view:boots", 2) is None
    True
    """
    marks = array(_FORM, taught)
    mark = crc32(what.encode())
    place = bisect_left(marks, mark)
    if len(marks) >= MAX_TAUGHT or marks[place : place + times].count(mark) == times:
        return None
    insort(marks, mark)
    return marks.tobytes()


def join(taught: bytes, other: bytes) -> bytes:
    """Return what two histories taught on the same day."""
    marks = sorted((*array(_FORM, taught), *array(_FORM, other)))
    return array(_FORM, marks[:MAX_TAUGHT]).tobytes()

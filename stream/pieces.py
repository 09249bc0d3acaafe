"""What was read of a shard's log, and how it is cut into what is committed together. Pure."""

from dataclasses import dataclass
from itertools import pairwise

from config.events import ProductsChanged
from config.log_ids import log_id
from stream.batch import Logged


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was read of one shard's log: the entries after ``after``."""

    shard: int
    after: str
    entries: list[Logged]


def entries_after(offset: str, entries: list[Logged]) -> list[Logged]:
    """Return the entries past an offset; mostly that is all of them."""
    if not entries or log_id(entries[0].entry_id) > log_id(offset):
        return entries
    return [logged for logged in entries if log_id(logged.entry_id) > log_id(offset)]


def apart(decoded: Decoded) -> list[Decoded]:
    """Return a batch in pieces, in which announced changes of products stand alone.

    So the index that they are looked up in is the one that the entries before them left.
    """
    places = [
        place
        for place, logged in enumerate(decoded.entries)
        if isinstance(logged.entry, ProductsChanged)
    ]
    if not places:
        return [decoded]
    return cut(decoded, sorted({end for place in places for end in (place, place + 1)}))


def cut(decoded: Decoded, places: list[int]) -> list[Decoded]:
    """Return a batch cut before each of these places, empty pieces left out."""
    ends = [decoded.after, *(logged.entry_id for logged in decoded.entries)]
    bounds = [0, *places, len(decoded.entries)]
    return [
        Decoded(decoded.shard, ends[start], decoded.entries[start:end])
        for start, end in pairwise(bounds)
        if start < end
    ]

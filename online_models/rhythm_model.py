"""After how much silence customers order again, learned from each interval as it goes on.

A life table (Cutler, Ederer: "Maximum Utilization of the Life Table Method", 1958): by group and
bin how many were silent through it or ordered in it, and how many of these ordered. A group's
chances are drawn to those of all customers, times how much more often the group orders; those of a
bin of which little is known to the bin before it. So who left for good needs no label: the curve
flattens.
"""

from math import exp, isfinite, log
from typing import Self
from zlib import crc32

import msgspec

from config.examples import Waited
from online_models.curves import MAX_CHANCE, USUAL_MS, Curves
from online_models.decay import DAY_MS
from online_models.rhythm import N_BINS, N_GROUPS
from online_models.snapshots import SnapshotMismatch

MAX_COUNT = 1_000_000.0  # of a bin; then the counts of its group are halved, and the old fades
_PRIOR_CHANCE = 0.05
_PRIOR_OF_BIN = 200.0  # customers that the bin before counts as
_PRIOR_OF_GROUP = 20.0  # customers that all groups count as
_PRIOR_ORDERS = 5.0  # as which a group orders as often as all
_PRIOR_INTERVALS = 4.0
_FADE = 1 / 20_000  # of the usual interval, with each one learned
_LONGEST_MS = 100 * 366 * DAY_MS

_VERSION = 1


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    version: int
    checksum: int
    table: bytes


class _Table(msgspec.Struct, array_like=True):
    usual_log: float
    n_intervals: int
    n_learned: int
    silent: list[list[float]]
    ordered: list[list[float]]


_encoder = msgspec.msgpack.Encoder()
_kept_decoder = msgspec.msgpack.Decoder(_Kept)
_table_decoder = msgspec.msgpack.Decoder(_Table)


class RhythmModel:
    """Learns intervals of all customers; ``curves`` is what it knows."""

    def __init__(self) -> None:
        self._table = _Table(log(USUAL_MS), 0, 0, _zeros(), _zeros())

    def learn_one(self, waited: Waited) -> bool:
        """Learn bins of one interval; return whether the example could be used."""
        if not (0 <= waited.group < N_GROUPS and 0 <= waited.first <= waited.last < N_BINS):
            return False
        table, group = self._table, waited.group
        silence_ms = waited.silence_ms
        if silence_ms is not None:
            if not 0 < silence_ms <= _LONGEST_MS:
                return False
            table.ordered[group][waited.last] += 1.0
            table.n_intervals += 1
            share = max(1.0 / (table.n_intervals + _PRIOR_INTERVALS), _FADE)
            table.usual_log += share * (log(silence_ms) - table.usual_log)
        for number in range(waited.first, waited.last + 1):
            table.silent[group][number] += 1.0
        table.n_learned += 1
        if max(table.silent[group]) > MAX_COUNT:
            for counts in (table.silent, table.ordered):
                counts[group] = [count / 2 for count in counts[group]]
        return True

    def curves(self) -> Curves:
        """Return what is known of all groups."""
        table = self._table
        watched = list(map(_watched, table.silent, table.ordered))
        shared = _shared_chances(watched, table.ordered)
        chances = []
        for silent, ordered in zip(watched, table.ordered, strict=True):
            expected = sum(n * chance for n, chance in zip(silent, shared, strict=True))
            factor = (sum(ordered) + _PRIOR_ORDERS) / (expected + _PRIOR_ORDERS)
            chances.append(
                [
                    min((o + _PRIOR_OF_GROUP * chance * factor) / (s + _PRIOR_OF_GROUP), MAX_CHANCE)
                    for s, o, chance in zip(silent, ordered, shared, strict=True)
                ]
            )
        return Curves(exp(table.usual_log), table.n_learned, chances)

    def to_bytes(self) -> bytes:
        """Return all of the model."""
        data = _encoder.encode(self._table)
        return _encoder.encode(_Kept(_VERSION, crc32(data), data))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the model of these bytes.

        Raises:
            SnapshotMismatch: they are broken, or of another version or shape.
        """
        model = cls()
        try:
            kept = _kept_decoder.decode(data)
            if kept.version != _VERSION or crc32(kept.table) != kept.checksum:
                raise SnapshotMismatch(
                    f"rhythm of version {kept.version} is broken, or not {_VERSION}"
                )
            model._table = _table_decoder.decode(kept.table)
        except msgspec.MsgspecError as error:
            raise SnapshotMismatch(f"rhythm cannot be read: {error}") from error
        table = model._table
        rows = [*table.silent, *table.ordered]
        if [len(row) for row in rows] != [N_BINS] * 2 * N_GROUPS or not isfinite(table.usual_log):
            raise SnapshotMismatch("rhythm has other bins than this Shopkeeper")
        return model


def _watched(silent: list[float], ordered: list[float]) -> list[float]:
    """Return how many were watched in each bin; who is still in it counts half.

    Else a bin that nobody can have left yet but by an order would look as if all ordered in it.
    """
    watched, entered = [], silent[0]
    for n_silent, n_ordered in zip(silent, ordered, strict=True):
        watched.append(n_silent + max(entered - n_silent, 0.0) / 2)
        entered = n_silent - n_ordered
    return watched


def _shared_chances(watched: list[list[float]], ordered: list[list[float]]) -> list[float]:
    """Return the chances of all customers together, of each bin drawn to the bin before it."""
    chance, chances = _PRIOR_CHANCE, []
    for number in range(N_BINS):
        n_watched = sum(group[number] for group in watched)
        n_ordered = sum(group[number] for group in ordered)
        chance = (n_ordered + _PRIOR_OF_BIN * chance) / (n_watched + _PRIOR_OF_BIN)
        chances.append(chance)
    return chances


def _zeros() -> list[list[float]]:
    return [[0.0] * N_BINS for _ in range(N_GROUPS)]

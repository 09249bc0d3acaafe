"""What is kept of a propensity model, as bytes with a version, its shape and a checksum."""

from zlib import crc32

import msgspec

from online_models.boosting import DEPTH, N_TREES
from online_models.calibration import Calibration
from online_models.snapshots import SnapshotMismatch

VERSION = 1  # another one where the names in features.py change: their places are learned


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """A model; arrays are bytes in C order, of the rows and columns in use only."""

    shape: tuple[int, int, int]
    names: list[str]
    n_places: int
    n_seen: tuple[int, int]
    rate: float
    random: int
    calibration: Calibration
    tree_columns: bytes
    tree_thresholds: bytes
    tree_values: bytes
    codes: bytes
    sums: bytes


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    version: int
    checksum: int
    snapshot: bytes


_encoder = msgspec.msgpack.Encoder()
_envelopes = msgspec.msgpack.Decoder(_Envelope)
_snapshots = msgspec.msgpack.Decoder(Snapshot)


def shape_of(n_held: int) -> tuple[int, int, int]:
    """Return what a snapshot must agree in: trees, their depth, rows held of each outcome."""
    return N_TREES, DEPTH, n_held


def write_snapshot(snapshot: Snapshot) -> bytes:
    """Return the bytes of a snapshot."""
    data = _encoder.encode(snapshot)
    return _encoder.encode(_Envelope(VERSION, crc32(data), data))


def read_snapshot(data: bytes, shape: tuple[int, int, int]) -> Snapshot:
    """Return a snapshot of this shape.

    Raises:
        SnapshotMismatch: it is broken, or of another version or shape.
    """
    try:
        envelope = _envelopes.decode(data)
        if envelope.version != VERSION:
            raise SnapshotMismatch(
                f"propensity of version {envelope.version}; this Shopkeeper reads {VERSION}"
            )
        if crc32(envelope.snapshot) != envelope.checksum:
            raise SnapshotMismatch("propensity is broken: its checksum is another")
        snapshot = _snapshots.decode(envelope.snapshot)
    except msgspec.MsgspecError as error:
        raise SnapshotMismatch(f"propensity cannot be read: {error}") from error
    if snapshot.shape != shape:
        raise SnapshotMismatch(
            f"propensity of shape {snapshot.shape}; this Shopkeeper reads {shape}"
        )
    return snapshot

"""A model of the next product to bytes and back: what it learned beside its index.

The index follows from the log of steps; ranker and vectors are written every few seconds, with
the position in that log they stand for, so that a learner that starts again learns each step once.
A snapshot is one small value and a table of blocks of vectors; each carries its version.
"""

from typing import Any
from zlib import crc32

import msgspec
import numpy as np

from config.errors import ShopkeeperError
from online_models.candidates import N_FEATURES
from online_models.next_product import NextProduct
from online_models.ranker import N_UNITS
from online_models.vectors import DIMENSIONS

BLOCK_PRODUCTS = 256
_VERSION = 1
_SHAPE = (N_FEATURES, N_UNITS, DIMENSIONS)


class SnapshotMismatch(ShopkeeperError):
    """The bytes of a model cannot be used; it is learned anew."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a learner knew at a position of the log; ``table`` names where its vectors lie.

    ``weights`` are the ranker's arrays, one after the other (float32), checked by ``checksum``.
    """

    position: int
    table: str
    n_blocks: int
    random: int
    n_trained: int
    weights: bytes
    checksum: int
    shape: tuple[int, int, int] = _SHAPE
    version: int = _VERSION


class Block(msgspec.Struct, frozen=True, array_like=True):
    """Vectors (float16) of a run of the table's rows; the name of a free row is empty."""

    names: list[str]
    vectors: bytes


_encoder = msgspec.msgpack.Encoder()
_snapshots = msgspec.msgpack.Decoder(Snapshot)
_blocks = msgspec.msgpack.Decoder(Block)


def take_snapshot(model: NextProduct, position: int, table: str) -> tuple[bytes, list[bytes]]:
    """Return the bytes of a snapshot and of its blocks.

    The model's own vectors are rounded to what is written, so that it goes on just as one that
    starts from the snapshot does.
    """
    names = model.steps.slots.names
    vectors = model.vectors.table
    vectors[:] = vectors.astype(np.float16)
    blocks = [
        _encoder.encode(
            Block(
                names[start : start + BLOCK_PRODUCTS],
                vectors[start : min(start + BLOCK_PRODUCTS, len(names))]
                .astype(np.float16)
                .tobytes(),
            )
        )
        for start in range(0, len(names), BLOCK_PRODUCTS)
    ]
    weights = b"".join(array.tobytes() for array in _learned(model))
    snapshot = Snapshot(
        position=position,
        table=table,
        n_blocks=len(blocks),
        random=int(model.random[0]),
        n_trained=int(model.n_trained[0]),
        weights=weights,
        checksum=crc32(weights),
    )
    return _encoder.encode(snapshot), blocks


def read_snapshot(data: bytes) -> Snapshot:
    """Return a snapshot.

    Raises:
        SnapshotMismatch: it is broken, or made by another version or for other features.
    """
    try:
        snapshot = _snapshots.decode(data)
    except msgspec.MsgspecError as error:
        raise SnapshotMismatch(f"snapshot cannot be read: {error}") from error
    if snapshot.version != _VERSION or snapshot.shape != _SHAPE:
        raise SnapshotMismatch(
            f"snapshot of version {snapshot.version} and shape {snapshot.shape}; "
            f"this Shopkeeper reads {_VERSION} and {_SHAPE}"
        )
    if crc32(snapshot.weights) != snapshot.checksum:
        raise SnapshotMismatch("snapshot is broken: its checksum is another")
    return snapshot


def take_weights(model: NextProduct, snapshot: Snapshot) -> None:
    """Give a model the ranker of a snapshot."""
    start = 0
    for array in _learned(model):
        size = array.nbytes
        part = np.frombuffer(snapshot.weights, np.float32, array.size, start)
        array[...] = part.reshape(array.shape)
        start += size
    model.random[0] = snapshot.random
    model.n_trained[0] = snapshot.n_trained


def read_block(data: bytes) -> tuple[list[str], "np.ndarray[Any, np.dtype[np.float16]]"]:
    """Return the names of a block and their vectors.

    Raises:
        SnapshotMismatch: it is broken.
    """
    try:
        block = _blocks.decode(data)
        vectors = np.frombuffer(block.vectors, np.float16).reshape(len(block.names), DIMENSIONS)
    except (msgspec.MsgspecError, ValueError) as error:
        raise SnapshotMismatch(f"block of vectors cannot be read: {error}") from error
    return block.names, vectors


def take_block(model: NextProduct, data: bytes) -> None:
    """Give the products that a model knows the vectors of a block.

    Raises:
        SnapshotMismatch: it is broken; nothing was taken.
    """
    names, vectors = read_block(data)
    number, table = model.steps.slots.number, model.vectors.table
    known = [(row, place) for place, row in enumerate(map(number, names)) if row is not None]
    if known:
        rows, places = zip(*known, strict=True)
        table[list(rows)] = vectors[list(places)]


def _learned(model: NextProduct) -> list["np.ndarray[Any, np.dtype[np.float32]]"]:
    ranker = model.ranker
    return [getattr(ranker, name) for name in type(ranker)._fields[:12]]

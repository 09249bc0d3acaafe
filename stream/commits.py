"""A shard's commit: how far into its log the stored state reaches. The heart of exactly once.

It is written in the same transaction as the state. ``seq`` grows by one at every commit, so that
an owner who finds another ``seq`` than it wrote last knows that its cache is stale, also where
the offset is the same.
"""

import msgspec

from config.errors import ShopkeeperError

START = "0-0"


class BrokenCommit(ShopkeeperError):
    """The commit of a shard cannot be read."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """Position and clock of a shard.

    ``offset`` is the log id of the last entry applied, ``clock`` the largest ``received_at`` (ms),
    ``sources`` the last id applied of each shard that forwards to this one, ``products`` the
    version up to which changes of products are taken in.
    """

    version: int = 1
    offset: str = START
    seq: int = 0
    worker: str = ""
    clock: int = 0
    sources: dict[int, str] = {}
    products: str = START


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Commit)


def encode_commit(commit: Commit) -> bytes:
    """Return the bytes of a commit (JSON, to be read with any Redis client)."""
    return _encoder.encode(commit)


def decode_commit(data: bytes | None) -> Commit:
    """Return the commit; a shard without one stands at the start of its log.

    Raises:
        BrokenCommit: the bytes are no commit of a version that this one reads.
    """
    if data is None:
        return Commit()
    try:
        commit = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise BrokenCommit(f"commit cannot be read: {error}") from error
    if commit.version != 1:
        raise BrokenCommit(f"commit of version {commit.version}; this Shopkeeper reads 1")
    return commit

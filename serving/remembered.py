"""Pure: what is remembered of a user, from the user's bytes and those of the shard's commit."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from online_models.users import (
    BrokenState,
    UnknownStateVersion,
    User,
    decode_user,
    is_forgotten,
)


class Remembered(NamedTuple):
    """A user, None where there is none, and the log id that the user's shard reaches to."""

    user: User | None
    applied_up_to: str | None


Stored = list[Remembered | None]  # of several users, None for one that cannot be read


class _Commit(msgspec.Struct, gc=False):
    """Of a shard's commit, what serving reads."""

    offset: str | None = None
    clock: int = 0


_read_commit = msgspec.json.Decoder(_Commit).decode


def remembered(data: bytes | None, commit: bytes | None, retention_ms: int) -> Remembered:
    """Return the user; who stayed away for longer than the retention is not known any more.

    Redis keeps such a user for longer; only the shard's clock tells.

    Raises:
        UnknownStateVersion: a newer Shopkeeper wrote the user.
        BrokenState: the bytes are no user.
        msgspec.MsgspecError: the commit cannot be read.
    """
    shard = _Commit() if commit is None else _read_commit(commit)
    user = None if data is None else decode_user(data)
    if user is not None and is_forgotten(user, shard.clock, retention_ms):
        user = None
    return Remembered(user, shard.offset)


def stored(values: Sequence[bytes | None], retention_ms: int) -> Stored:
    """Return what is remembered of several users: ``values`` are each one's bytes and commit."""
    found: Stored = []
    for data, commit in zip(values[::2], values[1::2], strict=True):
        try:
            found.append(remembered(data, commit, retention_ms))
        except (UnknownStateVersion, BrokenState, msgspec.MsgspecError):
            found.append(None)
    return found

"""Finds the user that a decision is about, in one read; a second one follows a link."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from config.errors import ShopkeeperError
from config.keys import Ids, Keys, Subject
from online_models.users import Linked, UserState
from serving.asking import Asker
from serving.choices import Fallback
from serving.remembered import Remembered, Stored
from serving.store import StateReads, StateSlow, StateUnavailable


class Found(NamedTuple):
    """The user, or why there is none; ``applied_up_to`` is where the user's shard stands.

    ``subject``: who is asked about, also somebody who is not known; None where nobody could look.
    ``is_known``: a known user whose picture the caller may be told; ``is_told``: so for any user.
    """

    user: UserState | None = None
    subject: Subject | None = None
    applied_up_to: str | None = None
    missing: Fallback | None = None
    is_known: bool = False
    is_told: bool = False


class _UnreadableUser(ShopkeeperError):
    """What is remembered of a user cannot be read."""


class Finder:
    """Looks for users through shared reads."""

    def __init__(self, reads: StateReads[Stored], ids: Ids, keys: Keys) -> None:
        self._reads = reads
        self._ids = ids
        self._keys = keys

    @property
    def n_together(self) -> int:
        """How many were looked for in the read that was answered last."""
        return self._reads.n_together

    async def find(self, asker: Asker) -> Found:
        """Return the user, within the cut-off, whatever Redis does."""
        subjects = [s for s in (asker.known, asker.anonymous) if s is not None]
        if not subjects:
            return Found(missing=Fallback.NO_ID)
        deadline = asyncio.get_running_loop().time() + self._reads.cutoff_seconds
        try:
            return await self._find(asker, subjects, deadline)
        except StateSlow:
            return Found(missing=Fallback.REDIS_SLOW)
        except StateUnavailable:
            return Found(missing=Fallback.REDIS_UNAVAILABLE)
        except _UnreadableUser:
            return Found(missing=Fallback.UNREADABLE_USER)

    async def _find(self, asker: Asker, subjects: Sequence[Subject], deadline: float) -> Found:
        stored = await self._reads.read(self._names(subjects), deadline)
        first = _readable(stored[0])
        if asker.anonymous is None or (asker.known is not None and first.user is not None):
            return _found(first, subjects[0], is_known=True, is_told=True)
        visitor = _readable(stored[-1])
        if not isinstance(visitor.user, Linked):
            return _found(visitor, asker.anonymous, is_known=False, is_told=True)
        if asker.known is not None:
            # Somebody else may have used this browser before.
            return _found(first, asker.known, is_known=True, is_told=True)
        linked = visitor.user.known
        subject = Subject(self._ids.shard_of(linked), linked)
        behind = _readable((await self._reads.read(self._names([subject]), deadline))[0])
        return _found(behind, subject, is_known=asker.trusted, is_told=asker.trusted)

    def _names(self, subjects: Sequence[Subject]) -> list[str]:
        names: list[str] = []
        for shard, digest in subjects:
            names += (self._keys.user(shard, digest), self._keys.commit(shard))
        return names


def _readable(stored: Remembered | None) -> Remembered:
    if stored is None:
        raise _UnreadableUser
    return stored


def _found(stored: Remembered, subject: Subject, *, is_known: bool, is_told: bool) -> Found:
    if isinstance(stored.user, UserState):
        return Found(stored.user, subject, stored.applied_up_to, None, is_known, is_told)
    # An erased user is answered like one who never was.
    return Found(None, subject, stored.applied_up_to, Fallback.UNKNOWN_USER)

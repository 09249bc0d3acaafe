"""Finds the named fail points in what a worker and Redis say to each other. Pure; see ``proxy``."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from config.events import SOURCE_FIELD
from loadtest.resp import Frames, is_nothing, is_push, words_of

_COMMIT_KEY_END = b":commit"


class FailPoint(StrEnum):
    """Where a worker can be hit; all but the last kill it."""

    AFTER_READ = "after_read"
    BEFORE_EXEC = "before_exec"
    AFTER_EXEC_BEFORE_REPLY = "after_exec_before_reply"
    AFTER_FORWARDING = "after_forwarding"
    REPLY_DROPPED = "reply_dropped"


class Passed(NamedTuple):
    """What may go on to the other side, and the fail point that is hit once it has gone."""

    data: bytes
    hit: FailPoint | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command on its way to its reply; ``commits`` and ``forwards`` as far as an EXEC does."""

    name: bytes
    commits: bool = False
    forwards: bool = False


class Conversation:
    """One connection's commands and replies, matched in their order.

    ``takes`` is asked whenever a fail point comes by and says whether it is to be hit.
    """

    def __init__(self, takes: Callable[[FailPoint], bool]) -> None:
        self._takes = takes
        self._asked: deque[_Asked] = deque()
        self._from_client, self._from_redis = Frames(), Frames()
        self._commits = self._forwards = False

    def commands(self, data: bytes) -> Passed:
        """Return what of the client's bytes may pass; an EXEC that is hit does not."""
        passed: list[bytes] = []
        for frame in self._from_client.feed(data):
            asked = self._understand(words_of(frame))
            if asked.commits and self._takes(FailPoint.BEFORE_EXEC):
                return Passed(b"".join(passed), FailPoint.BEFORE_EXEC)
            self._asked.append(asked)
            passed.append(frame)
        return Passed(b"".join(passed))

    def replies(self, data: bytes) -> Passed:
        """Return what of Redis' bytes may pass; the reply that is hit does not, a read does."""
        passed = []
        for frame in self._from_redis.feed(data):
            asked = _Asked(b"") if is_push(frame) else self._asked.popleft()
            hit = None if is_nothing(frame) else self._hit_by(asked)
            if hit in {None, FailPoint.AFTER_READ}:
                passed.append(frame)
            if hit:
                return Passed(b"".join(passed), hit)
        return Passed(b"".join(passed))

    def _hit_by(self, answered: _Asked) -> FailPoint | None:
        return next((point for point in _points_of(answered) if self._takes(point)), None)

    def _understand(self, words: list[bytes]) -> _Asked:
        name = words[0]
        if name == b"EXEC":
            return _Asked(name, self._commits, self._forwards)
        forwards = name == b"XADD" and SOURCE_FIELD in words[3:]
        if name in {b"MULTI", b"DISCARD"}:
            self._commits = self._forwards = False
        self._commits |= name == b"SET" and words[1].endswith(_COMMIT_KEY_END)
        self._forwards |= forwards
        return _Asked(name, forwards=forwards)


def _points_of(answered: _Asked) -> list[FailPoint]:
    """Return the fail points that the reply to a command is an occasion of."""
    if answered.name == b"XREAD":
        return [FailPoint.AFTER_READ]
    points = [FailPoint.AFTER_FORWARDING] if answered.forwards else []
    if answered.commits:
        points += [FailPoint.AFTER_EXEC_BEFORE_REPLY, FailPoint.REPLY_DROPPED]
    return points

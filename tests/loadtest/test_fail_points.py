"""Fail points are found in the protocol, and what must not pass does not."""

from collections.abc import Callable

import pytest

from loadtest.fail_points import Conversation, FailPoint, Passed


def command(*words: str) -> bytes:
    texts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)
    return b"*%d\r\n%s" % (len(words), texts)


def taking(*points: FailPoint) -> Callable[[FailPoint], bool]:
    return lambda point: point in points


MULTI, EXEC = command("MULTI"), command("EXEC")
COMMIT = MULTI + command("SET", "shop:{u1}:commit", "x") + EXEC
QUEUED = b"+OK\r\n+QUEUED\r\n"
DONE = b"*1\r\n+OK\r\n"
FORWARDED = command("XADD", "shop:{u2}:events", "*", "e", "x", "k", "d", "s", "1", "i", "5-0")
ENTRIES = b"%1\r\n$1\r\nk\r\n*1\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$1\r\ne\r\n$1\r\nx\r\n"


def test_everything_passes_where_nothing_is_armed() -> None:
    link = Conversation(taking())
    assert link.commands(COMMIT) == Passed(COMMIT)
    assert link.replies(QUEUED + DONE) == Passed(QUEUED + DONE)


def test_exec_of_a_commit_is_held_back_before_it_reaches_redis() -> None:
    link = Conversation(taking(FailPoint.BEFORE_EXEC))
    assert link.commands(COMMIT) == Passed(COMMIT.removesuffix(EXEC), FailPoint.BEFORE_EXEC)


def test_exec_of_another_transaction_is_no_commit() -> None:
    link = Conversation(taking(FailPoint.BEFORE_EXEC))
    other = MULTI + command("SET", "shop:{u1}:owner", "x") + EXEC
    assert link.commands(other) == Passed(other)


@pytest.mark.parametrize("point", [FailPoint.AFTER_EXEC_BEFORE_REPLY, FailPoint.REPLY_DROPPED])
def test_reply_of_a_commit_is_kept_from_the_worker(point: FailPoint) -> None:
    link = Conversation(taking(point))
    link.commands(COMMIT)
    assert link.replies(QUEUED + DONE) == Passed(QUEUED, point)


def test_a_commit_that_redis_refused_is_no_occasion() -> None:
    link = Conversation(taking(FailPoint.AFTER_EXEC_BEFORE_REPLY))
    link.commands(COMMIT)
    assert link.replies(QUEUED + b"*-1\r\n") == Passed(QUEUED + b"*-1\r\n")


def test_a_read_with_entries_passes_before_it_is_hit() -> None:
    link = Conversation(taking(FailPoint.AFTER_READ))
    read = command("XREAD", "BLOCK", "20", "STREAMS", "k", "0")
    link.commands(read + read)
    assert link.replies(b"_\r\n") == Passed(b"_\r\n")
    assert link.replies(ENTRIES[:9]) == Passed(b"")
    assert link.replies(ENTRIES[9:]) == Passed(ENTRIES, FailPoint.AFTER_READ)


def test_an_acknowledged_forwarding_is_hit_and_an_own_append_is_not() -> None:
    link = Conversation(taking(FailPoint.AFTER_FORWARDING))
    own = command("XADD", "shop:{u1}:events", "*", "e", "x", "k", "")
    link.commands(own + FORWARDED)
    assert link.replies(b"$3\r\n5-0\r\n") == Passed(b"$3\r\n5-0\r\n")
    assert link.replies(b"$3\r\n6-0\r\n") == Passed(b"", FailPoint.AFTER_FORWARDING)


def test_messages_that_come_unasked_answer_no_command() -> None:
    link = Conversation(taking(FailPoint.REPLY_DROPPED))
    link.commands(COMMIT)
    push = b">1\r\n+note\r\n"
    assert link.replies(push + QUEUED + DONE) == Passed(push + QUEUED, FailPoint.REPLY_DROPPED)

"""Redis' protocol is cut into whole values, however the network split it."""

import pytest

from loadtest.resp import Frames, NotRedis, is_nothing, is_push, words_of

VALUES = [
    b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$7\r\na\r\n$1\r\n\r\n",  # a text that looks like protocol
    b"+OK\r\n",
    b":12\r\n",
    b"$-1\r\n",
    b"$0\r\n\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"_\r\n",
    b"%1\r\n+a\r\n*2\r\n:1\r\n%1\r\n+b\r\n,1.5\r\n",
    b">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n",
    b"|1\r\n+ttl\r\n:5\r\n$1\r\nv\r\n",
    b"~2\r\n#t\r\n(12\r\n",
    b"=5\r\ntxt:a\r\n",
    b"-ERR no\r\n",
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_values_are_whole_wherever_the_stream_was_split(size: int) -> None:
    stream = b"".join(VALUES)
    frames = Frames()
    found = [
        frame
        for start in range(0, len(stream), size)
        for frame in frames.feed(stream[start : start + size])
    ]
    assert found == VALUES


def test_command_is_read_in_capitals() -> None:
    assert words_of(b"*2\r\n$3\r\nget\r\n$1\r\nk\r\n") == [b"GET", b"k"]


def test_replies_without_content_are_told_apart() -> None:
    nothing = [value for value in VALUES if is_nothing(value)]
    assert nothing == [b"$-1\r\n", b"*-1\r\n", b"*0\r\n", b"_\r\n", b"-ERR no\r\n"]
    assert [value for value in VALUES if is_push(value)] == [VALUES[9]]


def test_other_protocols_are_refused() -> None:
    with pytest.raises(NotRedis):
        Frames().feed(b"GET / HTTP/1.1\r\n")

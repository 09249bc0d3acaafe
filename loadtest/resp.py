"""Cuts a byte stream of Redis' protocol (RESP2 and RESP3) into whole values, wherever TCP split it.

https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

import hiredis

_LINE_TYPES = frozenset(b"+-:_#,(")
_BULK_TYPES = frozenset(b"$=!")
_LIST_TYPES = frozenset(b"*~>")
_MAP_TYPE, _ATTRIBUTE_TYPE, _PUSH_TYPE = b"%|>"


class NotRedis(Exception):
    """The bytes are not Redis' protocol."""


class Frames:
    """Collects bytes and gives back the frames (whole values, as bytes) that are complete.

    >>> frames = Frames()
    >>> frames.feed(b"*1\\r\\n$4\\r\\nEX"), frames.feed(b"EC\\r\\n+OK\\r\\n")
    ([], [b'*1\\r\\n$4\\r\\nEXEC\\r\\n', b'+OK\\r\\n'])
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self._open = 1  # values still to come until the frame is whole

    def feed(self, data: bytes) -> list[bytes]:
        """Take in bytes; return the frames that are complete now, in order.

        Raises:
            NotRedis: a value starts with none of the protocol's types.
        """
        self._buffer += data
        frames = []
        while self._step():
            if self._open == 0:
                frames.append(self._buffer[: self._at])
                self._buffer = self._buffer[self._at :]
                self._at, self._open = 0, 1
        return frames

    def _step(self) -> bool:
        """Go on by one value's head, and its text; False where bytes are missing."""
        line_end = self._buffer.find(b"\r\n", self._at)
        if line_end < 0:
            return False
        kind, head = self._buffer[self._at], self._buffer[self._at + 1 : line_end]
        if kind in _LINE_TYPES:
            after = line_end + 2
            values = 0
        elif kind in _BULK_TYPES:
            length = int(head)
            after = line_end + 2 if length < 0 else line_end + 4 + length
            values = 0
        elif kind in _LIST_TYPES:
            after, values = line_end + 2, max(int(head), 0)
        elif kind in {_MAP_TYPE, _ATTRIBUTE_TYPE}:
            after, values = line_end + 2, 2 * int(head) + (kind == _ATTRIBUTE_TYPE)
        else:
            raise NotRedis(f"a value starts with {chr(kind)!r}")
        if after > len(self._buffer):
            return False
        self._at = after
        self._open += values - 1
        return True


def is_push(frame: bytes) -> bool:
    """Tell whether a reply came unasked: it answers no command."""
    return frame[0] == _PUSH_TYPE


def is_nothing(frame: bytes) -> bool:
    """Tell whether a reply says nothing: null, an error, an empty list or map."""
    return frame[:1] in {b"_", b"-"} or frame[:3] in {b"*-1", b"$-1", b"*0\r", b"%0\r"}


def parse(frame: bytes) -> object:
    """Return the value of one whole frame."""
    reader = hiredis.Reader()
    reader.feed(frame)
    return reader.gets()


def words_of(frame: bytes) -> list[bytes]:
    """Return a client's command and arguments; the command in capitals.

    Raises:
        NotRedis: the frame is no list of texts.
    """
    words = parse(frame)
    if not isinstance(words, list) or not all(isinstance(word, bytes) for word in words):
        raise NotRedis("a command is a list of texts")
    return [words[0].upper(), *words[1:]] if words else []

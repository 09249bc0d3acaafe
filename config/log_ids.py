"""How ids of log entries compare. See https://redis.io/docs/latest/develop/data-types/streams/."""

LogId = tuple[int, int]


def log_id(text: str | bytes) -> LogId:
    """Return a log id as numbers that compare.

    >>> log_id("17-2") < log_id(b"17-10")
    True
    """
    ms, _, number = (text.decode() if isinstance(text, bytes) else text).partition("-")
    return int(ms), int(number)

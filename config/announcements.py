"""What each process says of itself in its heartbeat: what it is, and where its metrics are."""

import re
from typing import Literal

import msgspec

Role = Literal["server", "worker", "learner", "deliverer"]

_SUPERVISED = re.compile(r"(.+)-([a-z]+-\d+)-[0-9a-f]{8}")


class Announcement(msgspec.Struct, frozen=True):
    """A process: its role, the machine it runs on, and the address of its ``/metrics``."""

    role: Role
    machine: str
    pid: int
    metrics_host: str
    metrics_port: int


_DECODER = msgspec.json.Decoder(Announcement)


def encode_announcement(announcement: Announcement) -> bytes:
    """Return the value of a heartbeat."""
    return msgspec.json.encode(announcement)


def decode_announcement(value: bytes | str | None) -> Announcement | None:
    """Return what a heartbeat says; None where there is none, or it says nothing of the kind."""
    if value is None:
        return None
    try:
        return _DECODER.decode(value)
    except msgspec.DecodeError:
        return None


def short_name(process_id: str) -> str:
    """Return a process' name that stays the same when the supervisor starts it again.

    >>> short_name("web-7-server-1-00c0ffee"), short_name("w-00c0ffee")
    ('server-1', 'w-00c0ffee')
    """
    supervised = _SUPERVISED.fullmatch(process_id)
    return supervised.group(2) if supervised else process_id

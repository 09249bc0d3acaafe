"""The ring of message ids that a user's state carries, so that a resent event takes effect once.

Each of the last 256 ids is 12 bytes: a hash and the second, by the shard's clock, it came in. An id
older than 24 hours no longer counts.
"""

from hashlib import blake2b
from struct import Struct

from online_models.users import MAX_RECENT_IDS

VALID_SECONDS = 24 * 60 * 60
_HASH_BYTES = 8
_SECONDS = Struct(">I")
_ITEM = _HASH_BYTES + _SECONDS.size


def remember_id(ring: bytes, message_id: str, clock: int) -> bytes | None:
    """Return the ring with an id added, None where it is in there already.

    >>> ring = remember_id(b"", "m-1", clock=1_000)
    >>> remember_id(ring, "m-1", clock=2_000) is None
    True
    """
    digest = blake2b(message_id.encode(), digest_size=_HASH_BYTES).digest()
    seconds = clock // 1000
    kept = _without_old(ring, seconds)
    place = kept.find(digest)
    while place >= 0:
        if place % _ITEM == 0:
            return None
        place = kept.find(digest, place + 1)
    return kept[-_ITEM * (MAX_RECENT_IDS - 1) :] + digest + _SECONDS.pack(seconds)


def _without_old(ring: bytes, seconds: int) -> bytes:
    """Cut what is no longer valid from the front; the clock never goes back, so it lies there."""
    start = 0
    while start < len(ring):
        (came_in,) = _SECONDS.unpack_from(ring, start + _HASH_BYTES)
        if seconds - came_in <= VALID_SECONDS:
            break
        start += _ITEM
    return ring[start:]

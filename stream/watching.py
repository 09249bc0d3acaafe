"""Who watches which product: those who viewed it or put it into a cart. Pure.

What a user watches follows from the state alone: the last products viewed and carted, unless
consent was refused. The shard's index (``Keys.watchers``) is the other way round, a member for each
user and product; it changes with the states, in the same commit, so it never says anything else.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from config.log_ids import log_id
from config.product_changes import MARK_BYTES, ProductChange, product_mark
from online_models.users import Dated, User, UserState

_MARKS_KEPT = 50_000
_DIGESTS_KEPT = 10_000
_name = itemgetter(1)

Watched = tuple[list[Dated], list[Dated]]  # viewed, carted
NOTHING: Watched = ([], [])


class Watch(NamedTuple):
    """When a user viewed a product and put it into the cart last (ms), -1 for never."""

    viewed_at: int
    carted_at: int


class Changed(NamedTuple):
    """A change of a product, its version (a log id), and whom the shard's index names."""

    version: str
    change: ProductChange
    digests: Sequence[str]


class Concerned(NamedTuple):
    """A user whom a change of a product concerns."""

    digest: str
    state: UserState
    watch: Watch
    changed: Changed


def watched_by(user: User | None) -> Watched:
    """Return what a user watches, in lists of its own."""
    if not isinstance(user, UserState) or (user.consent is not None and not user.consent[1]):
        return NOTHING
    return user.viewed[:], user.carted[:]


def watch_of(state: UserState, product_id: str, before: int) -> Watch | None:
    """Return since when a user watches a product at ``before`` (ms).

    None where the user does not, or has bought it since.
    """
    bought_at = _latest(state.bought, product_id)
    viewed_at, carted_at = (_latest(seen, product_id) for seen in (state.viewed, state.carted))
    # Who turned to it only later knows the product as it is now.
    viewed_at, carted_at = (at if bought_at < at < before else -1 for at in (viewed_at, carted_at))
    return Watch(viewed_at, carted_at) if max(viewed_at, carted_at) >= 0 else None


def concerned(digest: str, user: User | None, changed: Changed) -> Concerned | None:
    """Return a user of the index with what is needed to judge; None: it does not concern them."""
    if not isinstance(user, UserState) or watched_by(user) == NOTHING:
        return None
    before, _ = log_id(changed.version)
    watch = watch_of(user, changed.change.product_id, before)
    return None if watch is None else Concerned(digest, user, watch, changed)


def members(digest: str, before: Watched, after: Watched) -> tuple[list[bytes], list[bytes]]:
    """Return the index's members of a user that come and those that go."""
    if before == after:
        return [], []
    old, new = _products(before), _products(after)
    user = raw_digest(digest)
    return (
        [user + mark_of(name) for name in sorted(new - old)],
        [user + mark_of(name) for name in sorted(old - new)],
    )


@lru_cache(_MARKS_KEPT)
def mark_of(product_id: str) -> bytes:
    """Return the mark of a product; the same ones are asked for again and again."""
    return product_mark(product_id)


def score_of(member: bytes) -> int:
    """Return by what members are found: the product's mark as a number, which a float holds."""
    return int.from_bytes(member[-MARK_BYTES:], "big")


@lru_cache(_DIGESTS_KEPT)
def raw_digest(digest: str) -> bytes:
    """Return a user's digest in its 16 bytes."""
    return urlsafe_b64decode(digest + "==")


def digest_of_member(member: bytes) -> str:
    """Return the digest of the user of a member.

    >>> digest_of_member(raw_digest("A" * 22) + mark_of("boots")) == "A" * 22
    True
    """
    return urlsafe_b64encode(member[:-MARK_BYTES])[:22].decode()


def _products(watched: Watched) -> set[str]:
    viewed, carted = watched
    names = set(map(_name, viewed))
    if carted:
        names.update(map(_name, carted))
    return names


def _latest(seen: Sequence[Dated], product_id: str) -> int:
    return next((at for at, name in seen if name == product_id), -1)

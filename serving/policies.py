"""Pure: what tells how likely each of several arms (``campaign/variation``) is picked."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol


class Policy(Protocol):
    """What chooses among arms, which it may never have seen before."""

    def probabilities(self, features: Sequence[float], arms: Sequence[str]) -> Sequence[float]:
        """Return the chance of each arm; together they are 1."""


class Policies(Protocol):
    """The policies that were learned so far, by name."""

    def get(self, name: str) -> Policy | None:
        """Return a policy, None where nothing was learned under that name yet."""


class NothingLearned:
    """No policy, as long as nothing was learned."""

    def get(self, name: str) -> Policy | None:
        """Return none."""
        return None


class Uniform:
    """Picks each arm as likely as the other: what is right while nothing is learned."""

    def probabilities(self, features: Sequence[float], arms: Sequence[str]) -> list[float]:
        """Return the same chance for each arm."""
        return [1.0 / len(arms)] * len(arms)


def place_of(digest: str, salt: str) -> float:
    """Return a visitor's place from 0 to below 1, always the same for the same salt."""
    hashed = blake2b(
        digest.encode(), digest_size=8, salt=blake2b(salt.encode(), digest_size=16).digest()
    )
    return (int.from_bytes(hashed.digest(), "big") >> 11) / 2**53

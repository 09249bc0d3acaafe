"""Pure: how one of several arms (``campaign/variation``) is chosen, and with what chance."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from random import Random
from typing import NamedTuple, Protocol

NOTHING = ""  # the arm that shows nothing


class Pick(Protocol):
    """What a policy picked."""

    @property
    def arm(self) -> str:
        """The arm."""

    @property
    def probability(self) -> float:
        """The chance with which it was picked, given what the policy knew."""


class Policy(Protocol):
    """What chooses among arms, which it may never have seen before."""

    def choose(self, features: Sequence[float], arms: Sequence[str], rng: Random) -> Pick:
        """Return one of the arms."""

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


class Picked(NamedTuple):
    """An arm, and the chance with which it was picked."""

    arm: str
    probability: float


class Uniform:
    """Picks each arm as likely as the other: what is right while nothing is learned."""

    def choose(self, features: Sequence[float], arms: Sequence[str], rng: Random) -> Picked:
        """Return one of the arms."""
        return Picked(arms[int(rng.random() * len(arms)) % len(arms)], 1.0 / len(arms))

    def probabilities(self, features: Sequence[float], arms: Sequence[str]) -> list[float]:
        """Return the same chance for each arm."""
        return [1.0 / len(arms)] * len(arms)


def draw(weights: Mapping[str, float], place: float) -> Picked:
    """Return the arm at a place from 0 to 1 among arms that take room by their weights.

    >>> draw({"a/one": 1.0, "a/two": 3.0}, 0.3)
    Picked(arm='a/two', probability=0.75)
    """
    whole, passed = sum(weights.values()), 0.0
    picked = Picked("", 0.0)
    for arm, weight in weights.items():
        passed += weight / whole
        picked = Picked(arm, weight / whole)
        if place < passed:
            break
    return picked


def place_of(digest: str, salt: str) -> float:
    """Return a visitor's place from 0 to below 1, always the same for the same salt."""
    hashed = blake2b(
        digest.encode(), digest_size=8, salt=blake2b(salt.encode(), digest_size=16).digest()
    )
    return (int.from_bytes(hashed.digest(), "big") >> 11) / 2**53

"""Contextual Thompson sampling: arms are chosen as often as they may well be the best ones here.

Chapelle, Li: "An Empirical Evaluation of Thompson Sampling", NIPS 2011. Instead of a draw from the
posterior, the chance with which such a draw would choose each arm is worked out (``beliefs.py``)
and the arm is drawn from these chances: the same policy, but its probabilities are known exactly.
What all arms share moves all of them alike, so only their own parts decide.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from random import Random
from typing import Self

import msgspec

from config.errors import ShopkeeperError
from online_models.beliefs import shares_of_best
from online_models.chances import Chances, Features, KeptChances, UnfitExample, checked
from online_models.contexts import N_CONTEXT
from online_models.picking import Picked, checked_arms, draw, with_floor

VERSION = 1  # of what policies write; another one where the names of contexts.py change


class UnknownPolicyVersion(ShopkeeperError):
    """The bytes of a policy were written by another version, or are none; it is learned anew."""


class _Written(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="thompson"):
    version: int
    chances: KeptChances


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Written)


class ThompsonPolicy:
    """Chooses among arms by name; a reward is 1 where it came (a click, an order), else 0."""

    def __init__(self, n_features: int = N_CONTEXT) -> None:
        self.n_features = n_features
        self.chances = Chances(n_features)

    def probabilities(self, features: Features, arms: Sequence[str]) -> list[float]:
        """Return with which chance ``choose`` picks each of the arms.

        Raises:
            UnfitExample: there are not as many features as the policy takes.
            NoArms: there is none to choose among, or one stands there twice.
        """
        names = checked_arms(arms)
        x = checked(features, self.n_features)
        scores = self.chances.scores(x, self.chances.rows(names))
        return with_floor(shares_of_best(scores[:, :-1]))

    def choose(self, features: Features, arms: Sequence[str], rng: Random) -> Picked:
        """Draw an arm, and tell the chance with which it was drawn; see ``probabilities``."""
        return draw(arms, self.probabilities(features, arms), rng)

    def learn_one(self, features: Features, arm: str, reward: float, probability: float) -> None:
        """Learn what came of a choice.

        What is learned does not depend on the probability, as with any likelihood; one that is
        none shows that the example is broken.

        Raises:
            UnfitExample: reward, probability or features are not what they should be.
        """
        check_example(reward, probability)
        x = checked(features, self.n_features)
        self.chances.learn(x, arm, min(max(reward, 0.0), 1.0))

    def to_bytes(self) -> bytes:
        """Return all of it."""
        return _encoder.encode(_Written(VERSION, self.chances.keep()))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the policy that these bytes are.

        Raises:
            UnknownPolicyVersion: they are none, or another version's.
        """
        with reading():
            written = _decoder.decode(data)
            check_version(written.version)
            policy = cls(written.chances.n_features)
            policy.chances = Chances.of(written.chances)
        return policy


@contextmanager
def reading() -> Iterator[None]:
    """Say of bytes that are no policy that they are of another version."""
    try:
        yield
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnknownPolicyVersion(f"policy cannot be read: {error}") from error


def check_version(version: int) -> None:
    """Check the version of what was read.

    Raises:
        UnknownPolicyVersion: it is another one.
    """
    if version != VERSION:
        raise UnknownPolicyVersion(f"policy of version {version}; this Shopkeeper reads {VERSION}")


def check_example(reward: float, probability: float) -> None:
    """Check the numbers of an example.

    Raises:
        UnfitExample: one is none, or the probability is no chance.
    """
    if not isfinite(reward):
        raise UnfitExample(f"a reward of {reward}: a finite number is needed")
    if not 0.0 < probability <= 1.0:
        raise UnfitExample(f"a probability of {probability}: more than 0 and at most 1 is needed")

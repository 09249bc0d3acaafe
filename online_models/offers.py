"""Which offer to make, if any, so that the shop earns most: a discount costs margin, too.

What an arm is worth is P(order under it) times the margin of an order under it, both learned
(``chances.py``, ``margins.py``). So who buys anyway is shown nothing, since the offer would only
cost; nor who does not buy even with it, as soon as that is known to bring less. Chosen as in
``policies.py``: by the chance that an arm is worth most, floor included.
"""

from collections.abc import Sequence
from random import Random
from typing import Self

import msgspec
import numpy as np

from online_models.beliefs import Doubles, shares_of_best
from online_models.chances import Chances, Features, KeptChances, checked
from online_models.contexts import N_CONTEXT
from online_models.margins import KeptMargins, Margins
from online_models.picking import Picked, checked_arms, draw, with_floor
from online_models.policies import VERSION, check_example, check_version, reading


class _Written(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="offers"):
    version: int
    chances: KeptChances
    margins: KeptMargins


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Written)


class OfferPolicy:
    """Chooses among offers and ``NOTHING``; a reward is the margin of the visit, 0 without order.

    Margins are after the offer's discount, in the shop's currency.
    """

    def __init__(self, n_features: int = N_CONTEXT) -> None:
        self.n_features = n_features
        self.chances = Chances(n_features)
        self.margins = Margins(n_features)

    def probabilities(self, features: Features, arms: Sequence[str]) -> list[float]:
        """Return with which chance ``choose`` picks each of the arms.

        Raises:
            UnfitExample: there are not as many features as the policy takes.
            NoArms: there is none to choose among, or one stands there twice.
        """
        names = checked_arms(arms)
        return with_floor(shares_of_best(self._worth(checked(features, self.n_features), names)))

    def choose(self, features: Features, arms: Sequence[str], rng: Random) -> Picked:
        """Draw an arm, and tell the chance with which it was drawn; see ``probabilities``."""
        return draw(arms, self.probabilities(features, arms), rng)

    def learn_one(self, features: Features, arm: str, reward: float, probability: float) -> None:
        """Learn what came of a choice: the margin, which may be below 0; exactly 0 is no order.

        Raises:
            UnfitExample: reward, probability or features are not what they should be.
        """
        check_example(reward, probability)
        x = checked(features, self.n_features)
        is_new = arm not in self.chances.arms.by_name
        row = self.chances.arm_of(arm).row
        if is_new:
            self.margins.open_row(row)
        kept = self.chances.learn(x, arm, float(reward != 0.0))
        if reward != 0.0:
            self.margins.learn(x, row, reward)
        if kept < 1.0:
            self.margins.fade(kept)

    def to_bytes(self) -> bytes:
        """Return all of it."""
        return _encoder.encode(_Written(VERSION, self.chances.keep(), self.margins.keep()))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the policy that these bytes are.

        Raises:
            UnknownPolicyVersion: they are none, or another version's.
        """
        with reading():
            written = _decoder.decode(data)
            check_version(written.version)
            chances = written.chances
            policy = cls(chances.n_features)
            policy.chances = Chances.of(chances)
            policy.margins = Margins.of(written.margins, chances.n_features, len(chances.arms))
        return policy

    def _worth(self, x: Doubles, names: list[str]) -> Doubles:
        """Return mean and variance of the logarithm of what each arm is worth (delta method)."""
        rows = self.chances.rows(names)
        scores, units = self.chances.scores(x, rows), self.margins.units(x, rows)
        means = scores[0, :-1] + scores[0, -1]
        misses = 1.0 / (1.0 + np.exp(np.clip(means, -30.0, 30.0)))  # d log(chance) / d score
        worth = np.empty((2, len(names)))
        worth[0] = np.log1p(-misses) + np.log(units[0])
        worth[1] = misses**2 * scores[1, :-1] + units[1] / units[0] ** 2
        return worth

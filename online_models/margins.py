"""What an order earns under each arm, after what the arm gave away: learned from orders alone.

Bayesian linear regression over a part that all arms share and a part of each arm
(``beliefs.py``), in units of the shop's typical margin, so that currencies do not matter. So a
coupon of a fixed amount is seen to cost more of a small cart.
"""

from math import exp, log
from typing import Self

import msgspec
import numpy as np

from online_models.beliefs import FIRST_ARM, SHARED, Beliefs, Doubles, Rows, absorb, look

PRIORS = (0.25, 0.05, 0.1, 0.01)
START = 1.0  # units
MAX_UNITS = 10.0  # of one order: a wholesaler's order shall not decide alone
LEAST_UNITS = 0.02  # that an arm is worth: below, it is hardly ever chosen, whatever it loses
LEAST_MARGIN, MAX_MARGIN = 1e-9, 1e9  # that the unit follows
_UNIT_ORDERS = 100  # after which the unit stays as it is
_FOLLOW = 0.005
_LEAST_NOISE = 0.01


class KeptMargins(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is written of margins."""

    means: bytes
    covariances: bytes
    n_orders: int
    log_unit: float
    noise: float


class Margins:
    """What is believed of the margins of orders; its rows are those of ``Chances``."""

    def __init__(self, n_features: int) -> None:
        self.beliefs = Beliefs(n_features + 1, PRIORS, START)
        self.n_orders = 0
        self.log_unit = 0.0
        self.noise = 1.0

    def units(self, x: Doubles, rows: Rows) -> Doubles:
        """Return the expected margin of an order, and its variance, for each of the arms' rows.

        As in ``Chances.scores`` the last row is the shared part; its uncertainty is left out, since
        it moves all arms alike.
        """
        out = np.empty((2, len(rows)))
        look(self.beliefs.means, self.beliefs.covariances, rows, x, out)
        out[0, :-1] += out[0, -1]
        return np.maximum(out[:, :-1], [[LEAST_UNITS], [0.0]])

    def open_row(self, row: int) -> None:
        """Begin anew with a row, which may be the next one."""
        if row >= len(self.beliefs.means):
            self.beliefs.add_arm()
        else:
            self.beliefs.forget_arm(row)

    def learn(self, x: Doubles, row: int, margin: float) -> None:
        """Learn what an order under an arm earned, which may be less than nothing."""
        beliefs = self.beliefs
        self._settle_unit(abs(margin))
        units = min(max(margin * exp(-self.log_unit), -MAX_UNITS), MAX_UNITS)
        error = units - float(x @ (beliefs.means[SHARED] + beliefs.means[row]))
        self.noise += _FOLLOW * (error * error - self.noise)
        noise = max(self.noise, _LEAST_NOISE)
        absorb(beliefs.means, beliefs.covariances, row, x, error / noise, 1.0 / noise)

    def fade(self, keep: float) -> None:
        """Keep a share of all certainty."""
        self.beliefs.fade(SHARED, keep)
        for row in range(FIRST_ARM, len(self.beliefs.means)):
            self.beliefs.fade(row, keep)

    def keep(self) -> KeptMargins:
        """Return what is to be written."""
        return KeptMargins(*self.beliefs.to_arrays(), self.n_orders, self.log_unit, self.noise)

    @classmethod
    def of(cls, kept: KeptMargins, n_features: int, n_arms: int) -> Self:
        """Return the margins that were written.

        Raises:
            ValueError: these are none, or of other features or arms.
        """
        margins = cls(n_features)
        margins.beliefs.take_arrays(kept.means, kept.covariances)
        if len(margins.beliefs.means) != FIRST_ARM + n_arms:
            raise ValueError(f"{n_arms} arms, but other rows of margins")
        margins.n_orders, margins.log_unit = kept.n_orders, kept.log_unit
        margins.noise = kept.noise
        return margins

    def _settle_unit(self, size: float) -> None:
        """Let the unit follow the first orders' geometric mean.

        What was learned in the units before is not put into the new ones: where one order was a
        thousand times the others, it would be beyond all that the others can correct.
        """
        if size < LEAST_MARGIN or self.n_orders >= _UNIT_ORDERS:
            return
        self.n_orders += 1
        self.log_unit += (log(min(size, MAX_MARGIN)) - self.log_unit) / self.n_orders

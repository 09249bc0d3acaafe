"""How likely a visit ends in an order, or ends now: chances of yes or no, learned one by one.

A ring of boosted trees (``boosting.py``) over a bounded sample of what was seen, and a calibration
of what it said before it knew. Each example comes in once: it is predicted, calibrates, may enter
the sample, and every eighth renews a tree on the sample. Rows with and without the outcome have a
sample each and are weighed by how frequent they really are, so that rare orders are not lost
(King, Zeng: "Logistic Regression in Rare Events Data", 2001). A sample is uniform at first
(reservoir; Vitter, 1985); later the chance to enter stays above a floor, so that the old fades.
"""

from math import log
from typing import Self

import numpy as np

from online_models.boosting import (
    N_TREES,
    Bytes,
    Rows,
    empty_held,
    empty_trees,
    encode,
    renew,
    sum_of,
    sum_of_numbers,
)
from online_models.calibration import Calibration
from online_models.columns import MAX_COLUMNS, Columns, Features, Numbers
from online_models.propensity_bytes import Snapshot, read_snapshot, shape_of, write_snapshot
from online_models.vectors import next_random

N_HELD = 2_048  # rows held of each outcome
_EXAMPLES_A_TREE = 8
_LEAST_CHANCE = 0.25  # to enter the sample
_FADE = 1 / 20_000  # of how frequent the outcome is, with each example
_FEW = 20  # rows of each outcome, below which nothing is calibrated
_PRIOR_EXAMPLES = 4.0  # that the prior stands for
_LEAST_RATE = 1e-6
_MIXED = 8  # numbers that a random state needs to get away from its seed


class Propensity:
    """Learns one yes or no; ``prior`` is its chance as long as nothing is known."""

    def __init__(self, prior: float = 0.5, seed: int = 0) -> None:
        if not 0.0 < prior < 1.0:
            raise ValueError(f"prior {prior}: between 0 and 1 is needed")
        self.columns = Columns()
        self.trees = empty_trees()
        self.held = empty_held(2 * N_HELD, MAX_COLUMNS)
        self.held.outcomes[N_HELD:] = 1
        self.calibration = Calibration()
        self.rate = prior
        self.n_seen = [0, 0]  # without and with the outcome
        self.random = np.array([88_172_645_463_325_252 + seed], np.uint64)
        for _ in range(_MIXED):
            self._draw()

    def predict_one(self, features: Features) -> float:
        """Return the chance of the outcome."""
        return self.calibration.chance(self._score(self.columns.read(features)))

    def learn_one(self, features: Features, outcome: bool) -> None:
        """Learn what came of these features."""
        numbers = self.columns.learn(features)
        if self._can_grow(_FEW):
            self.calibration = self.calibration.after(self._score(numbers), outcome)
        self.n_seen[outcome] += 1
        n_examples = sum(self.n_seen)
        share = max(1.0 / (n_examples + _PRIOR_EXAMPLES), _FADE)
        self.rate += share * (float(outcome) - self.rate)
        self._hold(numbers, outcome)
        if n_examples % _EXAMPLES_A_TREE == 0 and self._can_grow(2):
            self._renew_tree(n_examples // _EXAMPLES_A_TREE % N_TREES)

    def to_bytes(self) -> bytes:
        """Return all of the model."""
        rows, trees = self._rows(), self.trees
        return write_snapshot(
            Snapshot(
                shape=shape_of(N_HELD),
                names=self.columns.names,
                n_places=self.columns.n_places,
                n_seen=(self.n_seen[0], self.n_seen[1]),
                rate=self.rate,
                random=int(self.random[0]),
                calibration=self.calibration,
                tree_columns=trees.columns.tobytes(),
                tree_thresholds=trees.thresholds.tobytes(),
                tree_values=trees.values.tobytes(),
                codes=self.held.codes[rows, : len(self.columns)].tobytes(),
                sums=self.held.sums[rows].tobytes(),
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the model of these bytes; it goes on as the one that they were made of.

        Raises:
            SnapshotMismatch: they are broken, or of another version.
        """
        kept = read_snapshot(data, shape_of(N_HELD))
        model = cls()
        model.columns = Columns(kept.names, kept.n_places)
        model.n_seen, model.rate = list(kept.n_seen), kept.rate
        model.random[0] = kept.random
        model.calibration = kept.calibration
        trees, held, rows = model.trees, model.held, model._rows()
        _fill(trees.columns, kept.tree_columns)
        _fill(trees.thresholds, kept.tree_thresholds)
        trees.values[:] = np.frombuffer(kept.tree_values, np.float32).reshape(trees.values.shape)
        n_columns = len(model.columns)
        codes = np.frombuffer(kept.codes, np.uint8).reshape(len(rows), n_columns)
        held.codes[rows, :n_columns] = codes
        held.sums[rows] = np.frombuffer(kept.sums, np.float32)
        return model

    def _score(self, numbers: Numbers) -> float:
        return self._base() + sum_of_numbers(self.trees, numbers)

    def _base(self) -> float:
        rate = min(max(self.rate, _LEAST_RATE), 1.0 - _LEAST_RATE)
        return log(rate / (1.0 - rate))

    def _n_held(self, outcome: int) -> int:
        return min(self.n_seen[outcome], N_HELD)

    def _rows(self) -> Rows:
        """Return where the rows in use are: those without the outcome lie before the others."""
        without, having = self._n_held(0), self._n_held(1)
        return np.concatenate([np.arange(without), N_HELD + np.arange(having)])

    def _hold(self, numbers: Numbers, outcome: bool) -> None:
        """Let an example into the sample of its outcome, perhaps in the place of another."""
        n_seen = self.n_seen[outcome]
        place = n_seen - 1
        if n_seen > N_HELD:
            # Uniform while the floor does not count: then it comes in with N_HELD / n_seen.
            if self._draw() >= max(N_HELD / n_seen, _LEAST_CHANCE):
                return
            place = int(self._draw() * N_HELD)
        row, held = place + N_HELD * outcome, self.held
        encode(numbers, held.codes[row])
        held.sums[row] = sum_of(self.trees, held.codes[row])

    def _renew_tree(self, tree: int) -> None:
        rows = self._rows()
        shares = (1.0 - self.rate) / self._n_held(0), self.rate / self._n_held(1)
        weights = len(rows) * np.array(shares)
        n_columns = len(self.columns)
        renew(self.trees, tree, self.held, rows, n_columns, weights, self._base(), self.random)

    def _can_grow(self, least: int) -> bool:
        return min(self.n_seen) >= least

    def _draw(self) -> float:
        """Return a random number from 0 up to 1."""
        self.random[0] = next_random(self.random[0])
        return float(self.random[0] >> np.uint64(11)) / 2.0**53


def _fill(array: Bytes, data: bytes) -> None:
    array[:] = np.frombuffer(data, np.uint8).reshape(array.shape)

"""Boosted trees that are renewed one by one: each anew on what all others leave unexplained.

Gradient boosting with second-order steps (Friedman, 2001; Chen, Guestrin, KDD 2016) and a share of
the rows for each tree (Friedman, 2002), but as a ring: where batch boosting adds trees and stops,
the oldest tree is taken out and grown again on the rows that are held now. Numbers are held as
codes of one byte in their order, so thresholds are codes, too, and no number is too large.
Nothing here knows what a column means, or which rows are held.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import Floats, compiled
from online_models.vectors import next_random

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
Rows = NDArray[np.int64]

N_TREES = 128
DEPTH = 3
N_NODES, N_LEAVES = 2**DEPTH - 1, 2**DEPTH
ZERO = 64  # the code of 0; larger ones are of positive numbers
LARGEST = 255
LEAST = -11.0  # log2 of the least log(1 + number) that is not 0
STEPS, NEGATIVE_STEPS = 12.0, 4.0  # codes for each doubling of log(1 + number)

_RATE = 0.05  # of what is unexplained that a tree takes away
_ROWS = 2_048  # that a tree is grown on
_THRESHOLDS = 16  # tried of a column, drawn from its rows
_RIDGE = 1.0  # added to the curvature of a leaf
_LEAST_CURVATURE = 2.0  # of a leaf
_NEVER = LARGEST  # a threshold that nothing is beyond


class Trees(NamedTuple):
    """Complete trees of one depth; the children of node k are 2k + 1 and 2k + 2."""

    columns: Bytes  # (tree, node)
    thresholds: Bytes  # (tree, node): right where the code is beyond it
    values: Floats  # (tree, leaf)


class Held(NamedTuple):
    """The rows that trees are grown on: codes, the trees' sum of each, and its outcome."""

    codes: Bytes  # (row, column)
    sums: Floats  # (row,)
    outcomes: Bytes  # (row,)


def empty_trees() -> Trees:
    """Return trees that say nothing."""
    return Trees(
        np.zeros((N_TREES, N_NODES), np.uint8),
        np.full((N_TREES, N_NODES), _NEVER, np.uint8),
        np.zeros((N_TREES, N_LEAVES), np.float32),
    )


def empty_held(n_rows: int, n_columns: int) -> Held:
    """Return room for rows."""
    return Held(
        np.full((n_rows, n_columns), ZERO, np.uint8),
        np.zeros(n_rows, np.float32),
        np.zeros(n_rows, np.uint8),
    )


@compiled
def encode(numbers: Doubles, codes: Bytes) -> None:
    """Write down the code of each number, which must be finite; codes beyond them become 0's."""
    for column in range(codes.shape[0]):
        codes[column] = ZERO
    for column in range(min(numbers.shape[0], codes.shape[0])):
        size = np.log1p(abs(numbers[column]))
        if size < 2.0**LEAST:
            continue
        doublings = np.log2(size) - LEAST
        if numbers[column] > 0.0:
            codes[column] = min(ZERO + 1 + int(doublings * STEPS), LARGEST)
        else:
            codes[column] = max(ZERO - 1 - int(doublings * NEGATIVE_STEPS), 0)


@compiled
def sum_of(trees: Trees, codes: Bytes) -> float:
    """Return the sum of all trees for a row."""
    total = 0.0
    for tree in range(N_TREES):
        total += trees.values[tree, _leaf(trees, tree, codes)]
    return total


@compiled
def sum_of_numbers(trees: Trees, numbers: Doubles) -> float:
    """Return the sum of all trees for a row that is not encoded yet."""
    codes = np.empty(max(numbers.shape[0], 256), np.uint8)
    encode(numbers, codes)
    return sum_of(trees, codes)


@compiled
def _leaf(trees: Trees, tree: int, codes: Bytes) -> int:
    node = 0
    for _ in range(DEPTH):
        right = codes[trees.columns[tree, node]] > trees.thresholds[tree, node]
        node = 2 * node + (2 if right else 1)
    return node - N_NODES


@compiled
def renew(
    trees: Trees, tree: int, held: Held, rows: Rows, n_columns: int,
    weights: Doubles, base: float, random: "np.ndarray[Any, np.dtype[np.uint64]]",
) -> None:  # fmt: skip
    """Grow a tree anew on a share of these rows.

    ``weights`` are of rows without and with the outcome, ``base`` the log odds that the trees add
    to. The order of ``rows`` is changed.
    """
    _add(trees, tree, held, rows, -1.0)
    n_rows = min(rows.shape[0], _ROWS)
    for row in range(n_rows):
        other = row + _below(random, rows.shape[0] - row)
        rows[row], rows[other] = rows[other], rows[row]
    drawn = rows[:n_rows]
    slopes, curvatures = np.empty(n_rows), np.empty(n_rows)
    for place in range(n_rows):
        outcome = held.outcomes[drawn[place]]
        chance = 1.0 / (1.0 + np.exp(-(base + held.sums[drawn[place]])))
        slopes[place] = weights[outcome] * (chance - outcome)
        curvatures[place] = weights[outcome] * max(chance * (1.0 - chance), 1e-6)
    nodes = np.zeros(n_rows, np.int64)
    bins, thresholds = _draw_thresholds(held.codes, drawn, n_columns, random)
    for depth in range(DEPTH):
        _split(trees, tree, depth, nodes, bins, thresholds, slopes, curvatures)
    slope, curvature = _sums(nodes, slopes, N_LEAVES), _sums(nodes, curvatures, N_LEAVES)
    for leaf in range(N_LEAVES):
        trees.values[tree, leaf] = -_RATE * slope[leaf] / (curvature[leaf] + _RIDGE)
    _add(trees, tree, held, rows, 1.0)


@compiled
def _add(trees: Trees, tree: int, held: Held, rows: Rows, sign: float) -> None:
    for row in rows:
        held.sums[row] += sign * trees.values[tree, _leaf(trees, tree, held.codes[row])]


@compiled
def _below(random: "np.ndarray[Any, np.dtype[np.uint64]]", n: int) -> int:
    random[0] = next_random(random[0])
    return np.int64((random[0] >> np.uint64(11)) % np.uint64(n))


@compiled
def _draw_thresholds(
    codes: Bytes, rows: Rows, n_columns: int, random: "np.ndarray[Any, np.dtype[np.uint64]]"
) -> tuple[Bytes, Bytes]:
    """Draw thresholds for each column from its rows; return how many each row is beyond, and them.

    What is beyond a column's last one is bin ``n``: unused thresholds are never passed.
    """
    bins = np.empty((n_columns, rows.shape[0]), np.uint8)
    thresholds = np.full((n_columns, _THRESHOLDS), _NEVER, np.uint8)
    for column in range(n_columns):
        is_drawn = np.zeros(LARGEST + 1, np.bool_)
        for _ in range(_THRESHOLDS):
            is_drawn[codes[rows[_below(random, rows.shape[0])], column]] = True
        bin_of, n = np.empty(LARGEST + 1, np.uint8), 0
        for code in range(LARGEST + 1):
            bin_of[code] = n
            if is_drawn[code]:
                thresholds[column, n] = code
                n += 1
        for place in range(rows.shape[0]):
            bins[column, place] = bin_of[codes[rows[place], column]]
    return bins, thresholds


@compiled
def _split(
    trees: Trees, tree: int, depth: int, nodes: Rows, bins: Bytes, thresholds: Bytes,
    slopes: Doubles, curvatures: Doubles,
) -> None:  # fmt: skip
    """Find the best split of each node of a depth, and move its rows to the children."""
    first, n_nodes = 2**depth - 1, 2**depth
    slope, curvature = _sums(nodes, slopes, n_nodes), _sums(nodes, curvatures, n_nodes)
    gains = np.zeros(n_nodes)
    best_bins = np.full(n_nodes, _NEVER, np.int64)
    for node in range(n_nodes):
        trees.columns[tree, first + node] = 0
        trees.thresholds[tree, first + node] = _NEVER
    by_bin = np.empty((2, n_nodes, _THRESHOLDS + 1))
    for column in range(bins.shape[0]):
        by_bin[:] = 0.0
        for place in range(nodes.shape[0]):
            by_bin[0, nodes[place], bins[column, place]] += slopes[place]
            by_bin[1, nodes[place], bins[column, place]] += curvatures[place]
        for node in range(n_nodes):
            left, left_curvature = 0.0, 0.0
            for last in range(_THRESHOLDS):
                left += by_bin[0, node, last]
                left_curvature += by_bin[1, node, last]
                right, right_curvature = slope[node] - left, curvature[node] - left_curvature
                if min(left_curvature, right_curvature) < _LEAST_CURVATURE:
                    continue
                gain = (
                    left * left / (left_curvature + _RIDGE)
                    + right * right / (right_curvature + _RIDGE)
                    - slope[node] * slope[node] / (curvature[node] + _RIDGE)
                )
                if gain > gains[node]:
                    gains[node], best_bins[node] = gain, last
                    trees.columns[tree, first + node] = column
                    trees.thresholds[tree, first + node] = thresholds[column, last]
    for place in range(nodes.shape[0]):
        node = nodes[place]
        is_right = bins[trees.columns[tree, first + node], place] > best_bins[node]
        nodes[place] = 2 * node + (1 if is_right else 0)


@compiled
def _sums(nodes: Rows, values: Doubles, n_nodes: int) -> Doubles:
    sums = np.zeros(n_nodes)
    for place in range(nodes.shape[0]):
        sums[nodes[place]] += values[place]
    return sums

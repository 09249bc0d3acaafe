"""Evaluates the propensity model on a file of visits, as it is learned and asked in a shop.

Two protocols: stratified folds (each fold's model learns the other folds once, in the order of the
file, and is then asked about the fold), and progressive (each visit is asked about before it is
learned).
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import numpy as np

from config.errors import ShopkeeperError
from loadtest.machine import bare_machine
from online_models.chance_scores import chance_scores, stratified_folds
from online_models.propensity import Propensity
from online_models.warm import warm
from shopkeeper.evaluating import spared_collector
from shopkeeper.load_reports import progress
from shopkeeper.visit_files import Visit, read_visits

_DIGITS = 4


@dataclass(slots=True)
class Times:
    """How long each call took, in seconds."""

    predict: list[float] = field(default_factory=list)
    learn: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Return the means and 99th percentiles, in µs."""
        told = {"predict_us": self.predict, "learn_us": self.learn}
        means = {name: fmean(seconds) for name, seconds in told.items()}
        p99s = {f"{name}_p99": float(np.percentile(each, 99)) for name, each in told.items()}
        return {name: round(1e6 * figure, 1) for name, figure in (means | p99s).items()}


def evaluate_propensity(
    path: Path, target: str, without: Sequence[str], n_folds: int, seed: int
) -> dict[str, Any]:
    """Return the figures of both protocols.

    Raises:
        ShopkeeperError: the file cannot be read, or has too few visits of an outcome for the folds.
    """
    warm()  # else the first calls wait for the compiler
    began = time.perf_counter()
    visits = read_visits(path, target, without)
    outcomes = [visit.outcome for visit in visits]
    n_true = sum(outcomes)
    if min(n_true, len(visits) - n_true) < n_folds:
        raise ShopkeeperError(
            f"{path}: {n_true} of {len(visits)} visits with {target}; {n_folds} folds need "
            "as many with and without it; fewer --folds may do"
        )
    folds, times = stratified_folds(outcomes, n_folds, seed), Times()
    scored, n_bytes = [], 0
    with spared_collector(), progress("propensity", n_folds + 1, "passes") as show:
        for fold in range(n_folds):
            model = Propensity(seed=seed)
            _learn(model, [visits[place] for place in np.flatnonzero(folds != fold)], times)
            scored.append(
                _ask(model, [visits[place] for place in np.flatnonzero(folds == fold)], times)
            )
            n_bytes = max(n_bytes, len(model.to_bytes()))
            show(fold + 1)
        progressive = chance_scores(outcomes, _ask_then_learn(Propensity(seed=seed), visits))
        show(n_folds + 1)
    return {
        **{name: round(fmean(one[name] for one in scored), _DIGITS) for name in progressive},
        "deviation": {
            name: round(pstdev(one[name] for one in scored), _DIGITS) for name in progressive
        },
        "progressive": {name: round(value, _DIGITS) for name, value in progressive.items()},
        **times.figures(),
        "snapshot_bytes": n_bytes,
        "n_visits": len(visits),
        "n_with_outcome": n_true,
        "n_folds": n_folds,
        "seed": seed,
        "target": target,
        "without": list(without),
        "seconds": round(time.perf_counter() - began, 1),
        "machine": bare_machine(),
    }


def _learn(model: Propensity, visits: Iterable[Visit], times: Times) -> None:
    for visit in visits:
        started = time.perf_counter()
        model.learn_one(visit.features, visit.outcome)
        times.learn.append(time.perf_counter() - started)


def _ask(model: Propensity, visits: Sequence[Visit], times: Times) -> dict[str, float]:
    chances = []
    for visit in visits:
        started = time.perf_counter()
        chances.append(model.predict_one(visit.features))
        times.predict.append(time.perf_counter() - started)
    return chance_scores([visit.outcome for visit in visits], chances)


def _ask_then_learn(model: Propensity, visits: Iterable[Visit]) -> list[float]:
    chances = []
    for visit in visits:
        chances.append(model.predict_one(visit.features))
        model.learn_one(visit.features, visit.outcome)
    return chances

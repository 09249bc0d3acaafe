"""Evaluates models of the next product on files of sessions, as a shop would learn them and ask."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from config.errors import ShopkeeperError
from loadtest.machine import bare_machine
from online_models.baselines import SequentialRules, SessionNeighbours, SessionPopularity
from online_models.evaluation import Case, Evaluation, SessionModel, by_session, cases_of
from online_models.next_product import NextProduct
from online_models.warm import warm
from shopkeeper.load_reports import progress
from shopkeeper.session_files import count_lines, read_cases, read_sessions

Mode = Literal["frozen", "online"]
GC_THRESHOLDS = (20_000, 20, 50)  # the server's

BASELINES: Mapping[str, Callable[[], SessionModel]] = {
    "s_pop": SessionPopularity,
    "sr": SequentialRules,
    "stan": SessionNeighbours,
}


@dataclass(frozen=True, slots=True)
class Material:
    """What is learned, and then asked: a test file, or the last share of the train sessions."""

    train: Path
    test: Path | None
    validate: float = 0.0

    def n_lines(self) -> tuple[int, int]:
        """Return how many sessions are learned, and how many lines of test follow."""
        n_sessions = count_lines(self.train)
        if self.test is not None:
            return n_sessions, count_lines(self.test)
        n_test = round(self.validate * n_sessions)
        if not 0 < n_test < n_sessions:
            raise ShopkeeperError(
                f"{self.train}: of {n_sessions} sessions, --validate {self.validate:g} leaves "
                f"{n_sessions - n_test} to learn and {n_test} to test"
            )
        return n_sessions - n_test, n_test


def evaluate_next_product(material: Material, mode: Mode, *, baselines: bool) -> dict[str, Any]:
    """Return the figures of the model, and of the baselines where they are asked for."""
    warm()  # else the first answers wait for the compiler
    n_lines = material.n_lines()
    figures = evaluate(NextProduct(), material, n_lines, mode, "next product")
    if baselines:
        figures["baselines"] = {
            name: evaluate(model(), material, n_lines, mode, name)
            for name, model in BASELINES.items()
        }
    return figures | {"mode": mode, "machine": bare_machine()}


def evaluate(
    model: SessionModel, material: Material, n_lines: tuple[int, int], mode: Mode, name: str
) -> dict[str, Any]:
    """Let a model learn and answer; return its figures.

    Raises:
        ShopkeeperError: a file cannot be read, or holds no case.
    """
    n_train, n_test = n_lines
    evaluation = Evaluation(model, time.perf_counter)
    began = time.perf_counter()
    sessions = read_sessions(material.train)
    with spared_collector():
        with progress(f"{name}: learn", n_train, "sessions") as show:
            for number in range(1, n_train + 1):
                evaluation.learn(next(sessions))
                show(number)
        gc.collect()
        gc.freeze()
        tests = _cases(material.test) if material.test else _cut(sessions, evaluation.products)
        with progress(f"{name}: ask", n_test, "cases" if material.test else "sessions") as show:
            n_done = 0
            for cases in tests:
                evaluation.ask(cases, online=mode == "online")
                n_done += len(cases) if material.test else 1
                show(n_done)
    scores = evaluation.scores
    if not scores.n_cases:
        raise ShopkeeperError(f"{material.test or material.train}: holds no case to ask")
    measured = scores.figures(len(evaluation.products))
    return {
        **{key: round(value, 3) for key, value in measured.items()},
        "answer_ms": {key: round(value, 4) for key, value in scores.answer_ms().items()},
        **model.memory().figures(),
        "n_cases": scores.n_cases,
        "n_train_sessions": n_train,
        "seconds": round(time.perf_counter() - began, 1),
    }


def _cases(path: Path) -> Iterator[list[Case]]:
    return by_session(read_cases(path))


def _cut(sessions: Iterator[list[str]], learned: set[str]) -> Iterator[list[Case]]:
    """Yield the cases of what is left of the train sessions.

    As in the published tests, products that were not in what was learned are left out, and with
    them sessions that are too short to be asked about.
    """
    known = frozenset(learned)
    kept = ([name for name in products if name in known] for products in sessions)
    return (cases_of(products) for products in kept if len(products) > 1)


@contextmanager
def spared_collector() -> Iterator[None]:
    """Let the collector of garbage look as rarely as it does in servers."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()

"""Evaluates models of the next product: each step of a test session is a case, its target the next.

The protocol of session-based recommendation (Hidasi et al., ICLR 2016; Ludewig, Jannach, UMUAI
2018): all products are ranked, repeats allowed; P@k is the share of cases whose target is among the
first k, MRR@k the mean of 1/rank, 0 beyond k. *Frozen*: the test is never learned. *Online*: a
session is learned once its last case was answered.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from online_models.memory import Memory

K = 20
K_SHORT = 5


class Named(Protocol):
    """What a model suggests."""

    @property
    def product_id(self) -> str:
        """Which product."""


class SessionModel(Protocol):
    """A model that can be evaluated."""

    def learn_one(self, session: int, product_id: str) -> None:
        """Learn that a session went on to a product."""

    def next_best(self, viewed: Sequence[str]) -> Sequence[Named]:
        """Return what comes next after these (latest first), best first, about ``K``."""

    def memory(self) -> Memory:
        """Return what it holds."""


class Case(NamedTuple):
    """What a session saw, oldest first, and what came next."""

    prefix: list[str]
    target: str


def by_session(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """Yield the cases of each session together; in the file the longest prefix comes first.

    >>> cases = [Case(["a", "b"], "c"), Case(["a"], "b"), Case(["a"], "b")]
    >>> [len(session) for session in by_session(cases)]
    [2, 1]
    """
    session: list[Case] = []
    for case in cases:
        if session and [*case.prefix, case.target] != session[-1].prefix:
            yield session
            session = []
        session.append(case)
    if session:
        yield session


def cases_of(products: Sequence[str]) -> list[Case]:
    """Return the cases of a session, the longest prefix first.

    >>> cases_of(["a", "b", "c"])
    [Case(prefix=['a', 'b'], target='c'), Case(prefix=['a'], target='b')]
    """
    return [Case(list(products[:n]), products[n]) for n in range(len(products) - 1, 0, -1)]


@dataclass(slots=True)
class Scores:
    """What was counted so far; times in seconds."""

    n_cases: int = 0
    n_hits: int = 0
    n_short_hits: int = 0
    reciprocal_ranks: float = 0.0
    short_reciprocal_ranks: float = 0.0
    suggested: set[str] = field(default_factory=set)
    learn_seconds: float = 0.0
    n_learned: int = 0
    answer_seconds: list[float] = field(default_factory=list)

    def take(self, target: str, suggested: Sequence[str]) -> None:
        """Count one answer."""
        self.n_cases += 1
        self.suggested.update(suggested)
        if target in suggested:
            rank = suggested.index(target) + 1
            self.n_hits += 1
            self.reciprocal_ranks += 1 / rank
            if rank <= K_SHORT:
                self.n_short_hits += 1
                self.short_reciprocal_ranks += 1 / rank

    def figures(self, n_products: int) -> dict[str, float]:
        """Return the figures by name: shares in per cent, times in µs and ms."""
        cases = max(self.n_cases, 1)
        return {
            "p_at_20": 100 * self.n_hits / cases,
            "mrr_at_20": 100 * self.reciprocal_ranks / cases,
            "p_at_5": 100 * self.n_short_hits / cases,
            "mrr_at_5": 100 * self.short_reciprocal_ranks / cases,
            "coverage_at_20": 100 * len(self.suggested) / max(n_products, 1),
            "learn_us": 1e6 * self.learn_seconds / max(self.n_learned, 1),
        }

    def answer_ms(self) -> dict[str, float]:
        """Return percentiles of the time of an answer, in ms."""
        times = 1e3 * np.array(self.answer_seconds or [0.0])
        return {f"p{share}": float(np.percentile(times, share)) for share in (50, 99)}


class Evaluation:
    """A model, its scores, and the numbers that sessions get; ``clock`` tells seconds."""

    def __init__(self, model: SessionModel, clock: Callable[[], float]) -> None:
        self.model = model
        self.scores = Scores()
        self.products: set[str] = set()
        self._clock = clock
        self._n_sessions = 0

    def learn(self, products: Sequence[str]) -> None:
        """Let the model learn a session."""
        self._n_sessions += 1
        self.products.update(products)
        learn_one, session = self.model.learn_one, self._n_sessions
        started = self._clock()
        for product_id in products:
            learn_one(session, product_id)
        self.scores.learn_seconds += self._clock() - started
        self.scores.n_learned += len(products)

    def ask(self, session: Sequence[Case], *, online: bool) -> None:
        """Answer all cases of a session, shortest prefix first; *online*, learn it then."""
        for case in reversed(session):
            started = self._clock()
            suggested = self.model.next_best(case.prefix[::-1])
            self.scores.answer_seconds.append(self._clock() - started)
            self.scores.take(case.target, [one.product_id for one in suggested])
        if online:
            self.learn([*session[0].prefix, session[0].target])

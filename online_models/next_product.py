"""Which product comes next: learned from each step of each session, and asked for any session.

Candidates come from an index of recent sessions (``generators.py``), a ranker orders them
(``candidates.py``, ``ranker.py``), vectors tell how near products are (``vectors.py``). Learner,
server and evaluator run this very code. What each part is worth: ``README.md`` beside this file.
"""

from collections.abc import Callable, Sequence
from weakref import proxy
from zlib import crc32

import msgspec
import numpy as np

from online_models.candidates import MOST_KEPT, empty_shortlist, prior_weights
from online_models.kernels import (
    Found,
    Parts,
    ask,
    empty_found,
    empty_near,
    find_near,
    gather_anyway,
    hold,
    learn_from,
    rank,
)
from online_models.memory import Memory
from online_models.ranker import empty_ranker, mean_of
from online_models.session_index import NONE
from online_models.steps import Steps, longer
from online_models.vectors import empty_vectors, look, set_random

CAPACITY = 1 << 20  # steps that are kept

Allowed = Callable[[str], bool]


class Suggestion(msgspec.Struct, frozen=True, gc=False):
    """A candidate with its score (0..1) and the product that led to it, if one did."""

    product_id: str
    score: float
    because: str | None


def anything(_product_id: str) -> bool:
    """Allow every product."""
    return True


class NextProduct:
    """The model: River's ``learn_one`` for steps, and a question for each kind of slate."""

    def __init__(self, capacity: int = CAPACITY, seed: int = 1) -> None:
        known: NextProduct = proxy(self)  # a circle would hold megabytes until it is collected

        def is_new(item: int, product_id: str) -> None:
            known._is_new(item, product_id)

        self.steps = Steps(capacity, is_new)
        self.vectors = empty_vectors(len(self.steps.index.products))
        self.ranker = empty_ranker(prior_weights(), MOST_KEPT, seed)
        self._shortlist = empty_shortlist()
        self._found, self._near = empty_found(), empty_near()
        self.random = np.array([88_172_645_463_325_252 + seed], np.uint64)
        self.n_trained = np.zeros(1, np.int64)
        self._put_together()

    def learn_one(self, session: int, product_id: str) -> None:
        """Learn that a session went on to a product; ranker and vectors learn, too."""
        self.steps.add(session, product_id, self._learn)

    def index_one(self, session: int, product_id: str) -> None:
        """Take a step into the index alone: what servers do, who get the rest from a learner."""
        self.steps.add(session, product_id)

    def set_names(self, names: Sequence[str]) -> None:
        """Give these products the rows of their places, before anything is learned."""
        self.steps.set_names(names)
        n = len(self.steps.index.products)
        self.vectors = self.vectors._replace(table=longer(self.vectors.table, n))
        self._put_together()

    def n_seen(self, product_id: str) -> int:
        """Return how many events of a product are in the index."""
        return self.steps.n_seen(product_id)

    def memory(self) -> Memory:
        """Return what this holds of products, sessions and steps."""
        return self.steps.memory(self.vectors.table[0].nbytes)

    def next_best(
        self,
        viewed: Sequence[str],
        allowed: Allowed = anything,
        most: int = 20,
        session: int | None = None,
    ) -> list[Suggestion]:
        """Return what comes next after these products (latest first), best first.

        What ``allowed`` refuses is left out before others are, so that there are enough.
        ``session`` is the key of the visitor's own session, whose events do not count.
        """
        steps = self.steps
        seen = steps.rows_of(viewed)
        if not len(seen):
            return []
        own = steps.first_event(session)
        n_found, are_all = ask(self._asked, seen, own, most)
        taken = suggestions(steps, self._found, n_found, allowed, most)
        if len(taken) < most and not are_all:
            # Of all candidates only those that are allowed; and where others know too little, what
            # the visitor's own steps say counts as well.
            n = self._keep(gather_anyway(self._asked, seen, own), allowed)
            taken = suggestions(steps, self._found, rank(self._asked, n), anything, most)
        return taken

    def similar(
        self, product_id: str, allowed: Allowed = anything, most: int = 20
    ) -> list[Suggestion]:
        """Return what is turned to in the same sessions and for the same reasons, best first."""
        steps, near = self.steps, self._near
        seen = steps.rows_of([product_id])
        if not len(seen):
            return []
        n = gather_anyway(self._asked, seen, NONE)
        look(self.vectors, steps.visit.prefix, 1)
        n_found = find_near(steps.index, steps.evidence, self.vectors, near, n)
        return suggestions(steps, near.found, n_found, allowed, most)

    def _learn(self, first: int, item: int) -> int:
        return learn_from(self._learned, first, item, len(self.steps.slots.names))

    def _is_new(self, item: int, product_id: str) -> None:
        if item >= len(self.vectors.table):
            n = len(self.steps.index.products)
            self.vectors = self.vectors._replace(table=longer(self.vectors.table, n))
            self._put_together()
        self.steps.index.recent[item] = 0.0
        set_random(self.vectors, item, crc32(product_id.encode()))

    def _put_together(self) -> None:
        steps = self.steps
        parts = Parts(
            steps.index,
            steps.evidence,
            self.vectors,
            self.ranker,
            self._shortlist,
            steps.visit,
            self._found,
            self.random,
            self.n_trained,
        )
        self._learned = hold(parts)
        self._asked = hold(parts._replace(ranker=mean_of(self.ranker)))

    def _keep(self, n: int, allowed: Allowed) -> int:
        """Keep those of ``n`` candidates that are allowed; return how many."""
        evidence, names = self.steps.evidence, self.steps.slots.names
        places = [c for c, item in enumerate(evidence.items[:n].tolist()) if allowed(names[item])]
        evidence.items[: len(places)] = evidence.items[places]
        evidence.rows[: len(places)] = evidence.rows[places]
        return len(places)


def suggestions(
    steps: Steps, found: Found, n_found: int, allowed: Allowed, most: int
) -> list[Suggestion]:
    """Return the best that are allowed, by name."""
    names, prefix = steps.slots.names, steps.visit.prefix.tolist()
    taken: list[Suggestion] = []
    for start in range(0, n_found, 2 * most):
        part = slice(start, min(start + 2 * most, n_found))
        items, scores = found.items[part].tolist(), found.scores[part].tolist()
        for item, score, lead in zip(items, scores, found.leads[part].tolist(), strict=True):
            name = names[item]
            if allowed(name):
                taken.append(Suggestion(name, score, names[prefix[lead]]))
                if len(taken) == most:
                    return taken
    return taken

"""S-POP, bounded: what this session saw most often, then what everybody views of late.

The baseline of the model of the next product while it runs; see ``baselines.py`` for evaluations.
"""

from collections import Counter
from collections.abc import Sequence

HALVE_EVERY = 50_000  # steps after which each count is halved
_TOP = 40


class Popular:
    """Counts views of products, those of long ago less."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._top: set[str] = set()
        self._n = 0

    def learn_one(self, product_id: str) -> None:
        """Count a view."""
        counts, top = self._counts, self._top
        count = counts[product_id] = counts.get(product_id, 0) + 1
        self._n += 1
        # Counts only grow between halvings: who is not at the top gets there by its own alone.
        if product_id not in top:
            if len(top) < _TOP:
                top.add(product_id)
            else:
                least = min(top, key=counts.__getitem__)
                if count > counts[least]:
                    top.remove(least)
                    top.add(product_id)
        if self._n % HALVE_EVERY == 0:
            self._counts = {name: n // 2 for name, n in counts.items() if n > 1}
            self._top &= self._counts.keys()

    def best(self, viewed: Sequence[str], most: int) -> list[str]:
        """Return what would come next in a session that viewed these, best first.

        >>> popular = Popular()
        >>> for name in ("hat", "boots", "hat"):
        ...     popular.learn_one(name)
        >>> popular.best(["tent"], 2)
        ['tent', 'hat']
        """
        times, counts = Counter(viewed), self._counts
        own = sorted(times, key=lambda name: (times[name], counts.get(name, 0)), reverse=True)
        top = sorted(self._top, key=lambda name: (counts[name], name), reverse=True)
        return [*own, *(name for name in top if name not in times)][:most]

"""What a model of products holds, in bytes: of products, of sessions, and of steps.

Counted are the rows in use of arrays, and dicts, lists, texts and numbers in them by
``sys.getsizeof``; scratch of one size for all, the ranker, and what an allocator rounds up are not.
"""

from collections.abc import Iterable, Mapping
from sys import getsizeof
from typing import NamedTuple


class Memory(NamedTuple):
    """Bytes that grow with products, with sessions (their keys) and with steps; and how many."""

    n_products: int
    n_sessions: int
    n_steps: int
    product_bytes: int
    session_bytes: int
    step_bytes: int

    def figures(self) -> dict[str, float]:
        """Return bytes each; those of a session are its key and its steps.

        >>> Memory(2, 2, 10, 600, 100, 400).figures()["bytes_per_session"]
        250.0
        """
        per_session = (self.session_bytes + self.step_bytes) / max(self.n_sessions, 1)
        return {
            "bytes_per_product": round(self.product_bytes / max(self.n_products, 1), 1),
            "bytes_per_session": round(per_session, 1),
            "bytes_per_step": round(self.step_bytes / max(self.n_steps, 1), 1),
        }


def size_of(values: Iterable[object]) -> int:
    """Return the bytes of a container and of what is in it; of a dict, keys and values.

    >>> size_of(["boots"]) == getsizeof(["boots"]) + getsizeof("boots")
    True
    """
    parts = [*values, *values.values()] if isinstance(values, Mapping) else values
    return getsizeof(values) + sum(map(getsizeof, parts))

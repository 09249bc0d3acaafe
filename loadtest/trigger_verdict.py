"""What became of firings that were to be told: missing, repeated, out of order. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from loadtest.receiver import Received


class Reason(NamedTuple):
    """What fires a trigger: the n-th visit of a user to a product of its own."""

    user: str
    number: int

    @property
    def product(self) -> str:
        """Return the product, which names this one alone."""
        return f"p-{self.user}-{self.number}"


class TriggerVerdict(NamedTuple):
    """How many were not told, how many ids are not of one message, what came before its time.

    ``redelivered`` counts what came again with its id and its bytes, as it may.
    """

    missing: int
    repeated_ids: int
    out_of_order: int
    redelivered: int
    first_difference: str


def judge(reasons: Iterable[Reason], received: Sequence[Received]) -> TriggerVerdict:
    """Return the verdict on what a receiver wrote down.

    >>> first, second = Reason("ann", 1), Reason("ann", 2)
    >>> told = [Received(f"id-{r.number}", r.user, r.product, "x") for r in (second, first)]
    >>> judge([first, second], told).out_of_order
    1
    """
    wanted = {(reason.user, reason.product): reason for reason in reasons}
    bodies = defaultdict[str, set[tuple[str, str, str]]](set)
    ids = defaultdict[tuple[str, str], set[str]](set)
    firsts = defaultdict[str, list[int]](list)
    for one in received:
        about = (one.user, one.product)
        if about in wanted and about not in ids:
            firsts[one.user].append(wanted[about].number)
        bodies[one.told_id].add((one.user, one.product, one.digest))
        ids[about].add(one.told_id)
    missing = [reason for about, reason in wanted.items() if about not in ids]
    repeated = [told_id for told_id, found in bodies.items() if len(found) > 1]
    twice = [about for about, found in ids.items() if len(found) > 1]
    unknown = [about for about in ids if about not in wanted]
    late = sum(
        number < max(numbers[:place], default=-1)
        for numbers in firsts.values()
        for place, number in enumerate(numbers)
    )
    differences = [*missing[:1], *repeated[:1], *twice[:1], *unknown[:1]]
    return TriggerVerdict(
        len(missing),
        len(repeated) + len(twice) + len(unknown),
        late,
        len(received) - len(bodies),
        str(differences[0]) if differences else "",
    )

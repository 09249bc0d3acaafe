"""The arms that a policy has met: bounded, each with its row, what it learned, and its watch."""

import msgspec

from config.campaigns import MAX_ARMS
from online_models.beliefs import FIRST_ARM, UNSEEN
from online_models.drifting import DriftWatch

MAX_ROWS = MAX_ARMS + 1  # all variations, and nothing
MAX_NAME = 600  # characters: a campaign and a variation


class KeptArm(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is written of an arm."""

    name: str
    n_learned: float
    learned_at: int
    watch: list[float]


class Arm:
    """An arm; ``n_learned`` fades as what was learned does, ``learned_at`` counts rewards."""

    def __init__(self, row: int, n_learned: float = 0.0, learned_at: int = 0) -> None:
        self.row = row
        self.n_learned = n_learned
        self.learned_at = learned_at
        self.watch = DriftWatch()


class Arms:
    """Arms by name; once there are ``MAX_ROWS``, a new one takes the row of the longest unused."""

    def __init__(self) -> None:
        self.by_name: dict[str, Arm] = {}

    def row(self, name: str) -> int:
        """Return the row of an arm, or that of what is unseen where it was not met."""
        arm = self.by_name.get(name)
        return UNSEEN if arm is None else arm.row

    def longest_unused(self) -> str | None:
        """Return the arm whose row a new one takes, None as long as there is room."""
        if len(self.by_name) < MAX_ROWS:
            return None
        return min(self.by_name, key=lambda name: (self.by_name[name].learned_at, name))

    def keep(self) -> list[KeptArm]:
        """Return what is to be written, in the order of rows."""
        return [
            KeptArm(name, arm.n_learned, arm.learned_at, arm.watch.to_numbers())
            for name, arm in sorted(self.by_name.items(), key=lambda pair: pair[1].row)
        ]

    def take(self, kept: list[KeptArm]) -> None:
        """Take what was written.

        Raises:
            ValueError: it cannot be that.
        """
        if len(kept) > MAX_ROWS or len({one.name for one in kept}) < len(kept):
            raise ValueError(f"{len(kept)} arms, some of one name or too many")
        for row, one in enumerate(kept, start=FIRST_ARM):
            arm = self.by_name[one.name] = Arm(row, one.n_learned, one.learned_at)
            arm.watch = DriftWatch.from_numbers(one.watch)

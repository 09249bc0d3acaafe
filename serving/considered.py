"""Pure: what was looked at before something was chosen for a placement, and how it is explained.

Explaining takes longer than choosing: it is done where somebody asks, or off the path of answers.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from config import decisions
from config.decisions import Explanation, Objection
from online_models.picking import NOTHING

MAX_TOLD = 40  # candidates that are told; those that came furthest first

# What speaks of this visitor and campaign is told before what speaks of visitors like this one.
_GENERAL = frozenset({"condition", "segment", "schedule", "priority"})


Candidate = tuple[str, Sequence[Objection]]  # a campaign, and what stands against it


class Considered(NamedTuple):
    """The campaigns of a placement with what stands against them, and how one was picked.

    ``passed`` says what stands against some that could be shown as far as it is about themselves.
    ``policy`` is by what, ``probabilities`` are of the arms.
    ``untold``: as many more were not looked at, because others have a higher priority.
    """

    candidates: Sequence[Candidate]
    policy: str = ""
    probability: float = 1.0
    probabilities: Mapping[str, float] = {}
    features: Sequence[float] = ()
    is_holdout: bool = False
    untold: int = 0
    passed: Mapping[str, Objection] = {}

    def looked_at(self) -> list[Candidate]:
        """Return all candidates with what stands against each in the end."""
        passed = self.passed
        return [
            (name, (passed[name],) if name in passed else against)
            for name, against in self.candidates
        ]

    def explanation(self, most: int | None = MAX_TOLD) -> Explanation:
        """Return what is told of it, of at most so many candidates (None: all)."""
        told = sorted(self.looked_at(), key=_rank)[:most]
        chances: dict[str, dict[str, float]] = {}
        for arm, chance in self.probabilities.items():
            campaign, _, variation = arm.partition("/")
            chances.setdefault(campaign, {})[variation] = chance
        return Explanation(
            policy=self.policy,
            probability=self.probability,
            holdout=self.is_holdout,
            nothing_probability=self.probabilities.get(NOTHING),
            candidates=[
                decisions.Candidate(name, not against, list(against), chances.get(name, {}))
                for name, against in told
            ],
            untold=len(self.candidates) - len(told) + self.untold,
            features=list(self.features),
        )


def _rank(candidate: Candidate) -> int:
    rank = 0
    for one in candidate[1]:
        if one.reason in _GENERAL:
            return 2
        rank = 1
    return rank

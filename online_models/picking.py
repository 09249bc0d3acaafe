"""An arm drawn from chances that are told: what a policy's log needs to be worth anything later."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from config.errors import ShopkeeperError
from online_models.beliefs import Doubles

NOTHING = ""  # the arm that shows nothing
FLOOR = 0.02  # of all choices, spread evenly over the arms: no probability is ever 0


class NoArms(ShopkeeperError):
    """A policy was asked to choose among none, or twice among one."""


class Picked(NamedTuple):
    """An arm, and the chance with which it was drawn."""

    arm: str
    probability: float


def with_floor(chances: Doubles, floor: float = FLOOR) -> list[float]:
    """Return chances of which none is 0, and which sum to 1.

    >>> import numpy as np
    >>> with_floor(np.array([1.0, 0.0]), floor=0.5)
    [0.75, 0.25]
    """
    mixed = (1.0 - floor) * chances + floor / len(chances)
    shares: list[float] = (mixed / mixed.sum()).tolist()
    return shares


def draw(arms: Sequence[str], probabilities: Sequence[float], rng: Random) -> Picked:
    """Draw one of the arms with these probabilities."""
    return draw_at(arms, probabilities, rng.random())


def draw_at(arms: Sequence[str], probabilities: Sequence[float], place: float) -> Picked:
    """Return the arm at a place from 0 to 1 among arms that take room by their probabilities.

    >>> draw_at(["a/one", "a/two"], [0.25, 0.75], 0.3)
    Picked(arm='a/two', probability=0.75)
    """
    left = place
    for arm, probability in zip(arms, probabilities, strict=True):
        left -= probability
        if left < 0.0:
            return Picked(arm, probability)
    return Picked(arms[-1], probabilities[-1])


def checked_arms(arms: Sequence[str]) -> list[str]:
    """Return the arms.

    Raises:
        NoArms: there is none, or one stands there twice.
    """
    names = list(arms)
    if not names or len(set(names)) < len(names):
        raise NoArms(f"different arms are needed to choose among, not {names}")
    return names

"""Which of the campaigns that may be shown compete for a placement, and what is fixed about it.

Serving chooses by it, and a backtest tells by it what another file would have shown. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from config.campaigns import Campaign
from config.experiments import PolicyName
from online_models.picking import NOTHING


class Standing(Protocol):
    """A campaign that nothing stands against; ``arms`` are its variations."""

    @property
    def campaign(self) -> Campaign:
        """What the file says of it."""

    @property
    def arms(self) -> Sequence[str]:
        """Its variations, as policies name them, in the order of the file."""

    @property
    def weighs_nothing(self) -> bool:
        """Whether to show nothing is an arm, too."""


_S = TypeVar("_S", bound=Standing)


def competing(standing: Sequence[_S], replaced: PolicyName | None = None) -> Sequence[_S]:
    """Return those that compete, the first in the file before all; it says how is chosen.

    ``replaced`` is how an experiment chooses instead. Where nothing is learned, the first is alone.
    """
    how = replaced or standing[0].campaign.choose
    if how in ("split", "first"):
        return standing[:1]
    return [one for one in standing if replaced or one.campaign.choose == how]


def fixed_chances(how: str, first: Standing) -> Mapping[str, float] | None:
    """Return the chances of arms where the file fixes them; None where they are learned."""
    if how == "first":
        return {first.arms[0]: 1.0}
    if how == "split":
        weights = [one.weight for one in first.campaign.variations.values()]
        whole = sum(weights)
        return {arm: weight / whole for arm, weight in zip(first.arms, weights, strict=True)}
    return None


def learned_arms(competing: Sequence[Standing]) -> list[str]:
    """Return what is learned to choose among."""
    arms = [arm for one in competing for arm in one.arms]
    return [NOTHING, *arms] if competing[0].weighs_nothing else arms

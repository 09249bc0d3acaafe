"""Pure: what a variation changes for a visitor, and which decisions count as having shown it."""

from collections.abc import Collection, Iterable, Mapping

from config.experiments import Assignment, Experiment, Experiments, PolicyName, Variation
from config.placements import Strategy

InForce = Mapping[str, Variation]


def variations_seen(experiments: Experiments, assigned: Mapping[str, str]) -> dict[str, str]:
    """Return what conditions see as ``experiment``: of each one the variation, or ``""``."""
    return {name: assigned.get(name, "") for name in experiments}


def barred_campaigns(experiments: Experiments, in_force: InForce) -> frozenset[str]:
    """Return the campaigns that experiments keep from a visitor.

    Who is in no variation sees what the control shows, and a holdout none of the campaigns.
    """
    barred: set[str] = set()
    for name, experiment in experiments.items():
        seen = in_force.get(name)
        barred |= experiment.campaigns - frozenset(() if seen is None else seen.campaigns)
    return frozenset(barred)


def variations_in_force(experiments: Experiments, assigned: Mapping[str, str]) -> InForce:
    """Return the variation that a visitor is shown, by experiment; of a holdout none.

    Of an experiment that the visitor is not in, that is its control; those come first, so that
    none stands against a variation that the visitor is in.
    """
    order = sorted(experiments, key=assigned.__contains__)
    found = {name: assigned.get(name, experiments[name].control) for name in order}
    return {
        name: experiments[name].variations[variation]
        for name, variation in found.items()
        if variation in experiments[name].variations
    }


def replaced_strategies(in_force: InForce) -> dict[str, Strategy]:
    """Return the strategies that experiments put in force for a visitor, by placement."""
    return {name: one for seen in in_force.values() for name, one in seen.strategy.items()}


def replaced_policies(in_force: InForce) -> dict[str, PolicyName]:
    """Return the policies that experiments put in force for a visitor, by placement."""
    return {name: one for seen in in_force.values() for name, one in seen.policy.items()}


def having_a_say(
    experiments: Experiments,
    assigned: Iterable[Assignment],
    placements: Collection[str],
    campaigns: Mapping[str, frozenset[str]],
) -> list[Assignment]:
    """Return those of the assignments that a decision counts as shown.

    ``campaigns`` are by placement all that stand in it, whether eligible or not: what counts must
    not depend on the variation. One that only conditions ask for has a say everywhere.
    """
    return [
        (name, variation)
        for name, variation in assigned
        if _concerns(experiments[name], placements, campaigns)
    ]


def _concerns(
    experiment: Experiment, placements: Collection[str], campaigns: Mapping[str, frozenset[str]]
) -> bool:
    if not experiment.campaigns and not experiment.placements:
        return True
    if not experiment.placements.isdisjoint(placements):
        return True
    standing = (campaigns[name] for name in placements if name in campaigns)
    return not all(map(experiment.campaigns.isdisjoint, standing))

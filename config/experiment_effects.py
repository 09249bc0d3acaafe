"""Pure: what a variation changes for a visitor, and which decisions count as having shown it."""

from collections.abc import Collection, Iterable, Mapping

from config.experiments import Assignment, Experiment, Experiments, PolicyName, Variation
from config.placements import Strategy


def variations_seen(experiments: Experiments, assigned: Mapping[str, str]) -> dict[str, str]:
    """Return what conditions see as ``experiment``: of each one the variation, or ``""``."""
    return {name: assigned.get(name, "") for name in experiments}


def barred_campaigns(experiments: Experiments, assigned: Mapping[str, str]) -> frozenset[str]:
    """Return the campaigns that experiments keep from a visitor.

    Who is in no variation sees what the control shows, and a holdout none of the campaigns.
    """
    barred: set[str] = set()
    for experiment in experiments.values():
        seen = _in_force(experiment, assigned)
        barred |= experiment.campaigns - frozenset(() if seen is None else seen.campaigns)
    return frozenset(barred)


def replaced_strategies(
    experiments: Experiments, assigned: Mapping[str, str]
) -> dict[str, Strategy]:
    """Return the strategies that experiments put in force for a visitor, by placement."""
    seen = (_in_force(experiment, assigned) for experiment in experiments.values())
    return {name: one for each in seen if each for name, one in each.strategy.items()}


def replaced_policies(
    experiments: Experiments, assigned: Mapping[str, str]
) -> dict[str, PolicyName]:
    """Return the policies that experiments put in force for a visitor, by placement."""
    seen = (_in_force(experiment, assigned) for experiment in experiments.values())
    return {name: one for each in seen if each for name, one in each.policy.items()}


def having_a_say(
    experiments: Experiments,
    assigned: Iterable[Assignment],
    placements: Collection[str],
    campaigns: Collection[str],
) -> list[Assignment]:
    """Return those of the assignments that a decision counts as shown.

    ``campaigns`` are all that stand in its ``placements``, whether eligible or not: what counts
    must not depend on the variation. One that only conditions ask for has a say everywhere.
    """
    return [
        (name, variation)
        for name, variation in assigned
        if _concerns(experiments[name], placements, campaigns)
    ]


def _in_force(experiment: Experiment, assigned: Mapping[str, str]) -> Variation | None:
    name = assigned.get(experiment.name, experiment.control)
    return experiment.variations.get(name)


def _concerns(
    experiment: Experiment, placements: Collection[str], campaigns: Collection[str]
) -> bool:
    if not experiment.campaigns and not experiment.placements:
        return True
    return not (
        experiment.campaigns.isdisjoint(campaigns) and experiment.placements.isdisjoint(placements)
    )

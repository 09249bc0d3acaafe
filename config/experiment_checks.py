"""Reads the tables ``[experiments.NAME]``; says of a mistake where it is and what is allowed."""

import math
from collections.abc import Collection, Iterator, Mapping

import msgspec

from config.campaign_tables import InvalidTable, named, read_table
from config.experiments import (
    HOLDOUT,
    MAX_EXPERIMENTS,
    Experiment,
    Experiments,
    ExperimentTable,
    Variation,
    ready,
)
from config.placement_checks import placement_problems
from config.placements import Placement, Products
from config.table_errors import unknown
from config.toml_lines import Path

Problems = Iterator[tuple[Path, str]]


def read_experiment(name: str, table: object) -> Experiment:
    """Return an experiment, ready to assign.

    Raises:
        InvalidTable: it is none; the text says what is allowed.
    """
    path = named("experiments", name)
    read = read_table(table, ExperimentTable, path)
    for inner, problem in _problems(read):
        raise InvalidTable((*path, *inner), problem)
    return ready(name, read)


def problems_of_experiments(
    experiments: Experiments, placements: Mapping[str, Placement], campaigns: Collection[str]
) -> Problems:
    """Yield what does not go together: names that stand for nothing, strategies that do not suit
    their placement, and experiments that replace the same for the same visitors.
    """
    if len(experiments) > MAX_EXPERIMENTS:
        yield ("experiments",), f"{len(experiments)} of them; allowed: {MAX_EXPERIMENTS}"
    for name, experiment in experiments.items():
        for index, variation in enumerate(experiment.table.variations):
            for inner, problem in _names_at_odds(variation, placements, campaigns):
                yield ("experiments", name, "variations", index, *inner), problem
    for placement, name, other in _conflicts(experiments):
        yield (
            ("experiments", name),
            f"replaces what is in force in placement {placement!r}, as experiments.{other} does; "
            "allowed: one of them, or parts of one namespace that do not overlap",
        )


def _conflicts(experiments: Experiments) -> Iterator[tuple[str, str, str]]:
    """Yield a placement, and two experiments that both replace what is in force there."""
    running = [one for one in experiments.values() if one.table.active]
    for index, one in enumerate(running):
        for other in running[:index]:
            if not _are_apart(one.table, other.table):
                for placement in sorted(one.placements & other.placements):
                    yield placement, one.name, other.name


def _problems(table: ExperimentTable) -> Problems:
    names = [one.name for one in table.variations]
    for index, name in enumerate(names):
        if name == HOLDOUT or name in names[:index]:
            problem = f"{name!r}; allowed: each name once, and not {HOLDOUT!r}"
            yield ("variations", index, "name"), problem
    if table.weights:
        yield from _weight_problems(table.weights, len(names))
    part = table.namespace
    if part is not None and part.start >= part.end:
        yield ("namespace",), f"from {part.start} to {part.end}; allowed: start before end"


def _names_at_odds(
    variation: Variation, placements: Mapping[str, Placement], campaigns: Collection[str]
) -> Problems:
    for place, name in enumerate(variation.campaigns):
        if name not in campaigns:
            yield ("campaigns", place), unknown(name, "campaign", campaigns)
    of_products = [name for name, one in placements.items() if isinstance(one, Products)]
    for name, strategy in variation.strategy.items():
        placement = placements.get(name)
        if not isinstance(placement, Products):
            yield ("strategy", name), unknown(name, "placement of products", of_products)
        else:
            replaced = msgspec.structs.replace(placement, strategy=strategy)
            for field, problem in placement_problems(replaced):
                yield ("strategy", name), f"does not suit its {field}: {problem}"
    of_campaigns = placements.keys() - of_products
    for name in variation.policy:
        if name not in of_campaigns:
            yield ("policy", name), unknown(name, "placement of campaigns", of_campaigns)


def _weight_problems(weights: tuple[float, ...], n_variations: int) -> Problems:
    allowed = f"{n_variations} numbers above 0, together 1"
    if len(weights) != n_variations:
        yield ("weights",), f"{len(weights)} of them; allowed: {allowed}"
    for index, weight in enumerate(weights):
        if not (math.isfinite(weight) and weight > 0):
            yield ("weights", index), f"{weight}; allowed: {allowed}"
    # GrowthBook's SDKs take others for equal weights, without a word.
    if not 0.99 <= sum(weights) <= 1.01:
        yield ("weights",), f"together {sum(weights):g}; allowed: {allowed}"


def _are_apart(one: ExperimentTable, other: ExperimentTable) -> bool:
    a, b = one.namespace, other.namespace
    if a is None or b is None or one.hash_attribute != other.hash_attribute:
        return False
    return a.name == b.name and (a.end <= b.start or b.end <= a.start)

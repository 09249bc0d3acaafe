"""Reads the tables ``[experiments.NAME]``; says of a mistake where it is and what is allowed."""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from config.errors import SettingsError
from config.experiments import (
    HOLDOUT,
    Experiment,
    Experiments,
    ExperimentTable,
    Name,
    Namespace,
    Variation,
    ready,
)
from config.placement_checks import placement_problems
from config.placements import Placement, Products

MAX_EXPERIMENTS = 100
_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]*)`")
# What the part of a path that an error names is made of.
_KINDS: tuple[tuple[str, type], ...] = (
    (r"variations\[\d+\]", Variation),
    (r"namespace", Namespace),
    (r"", ExperimentTable),
)


class InvalidExperiment(SettingsError):
    """A table of an experiment that cannot stand; ``path`` as in ``experiments.hero.weights``."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


def read_experiments(tables: object) -> dict[str, Experiment]:
    """Return the experiments by name, ready to assign.

    Raises:
        InvalidExperiment: one is wrong; the text names the place, and what is allowed.
    """
    if not isinstance(tables, dict):
        raise InvalidExperiment("experiments", "tables [experiments.NAME] are allowed")
    if len(tables) > MAX_EXPERIMENTS:
        raise InvalidExperiment("experiments", f"{len(tables)} of them; allowed: {MAX_EXPERIMENTS}")
    found = {name: ready(name, _read(name, table)) for name, table in tables.items()}
    for placement, name, other in conflicts(found):
        raise InvalidExperiment(
            f"experiments.{name}",
            f"replaces what is in force in placement {placement!r}, as experiments.{other} does; "
            "allowed: one of them, or parts of one namespace that do not overlap",
        )
    return found


def check_names(
    experiments: Experiments, placements: Mapping[str, Placement], campaigns: Collection[str]
) -> None:
    """Check that variations name what there is, and that each strategy suits its placement.

    Raises:
        InvalidExperiment: one does not; the text names the place, and what is allowed.
    """
    for experiment in experiments.values():
        for index, variation in enumerate(experiment.table.variations):
            for field, problem in _names_at_odds(variation, placements, campaigns):
                path = f"experiments.{experiment.name}.variations[{index}].{field}"
                raise InvalidExperiment(path, problem)


def conflicts(experiments: Experiments) -> Iterator[tuple[str, str, str]]:
    """Yield a placement, and two experiments that both replace what is in force there."""
    running = [one for one in experiments.values() if one.table.active]
    for index, one in enumerate(running):
        for other in running[:index]:
            if not _are_apart(one.table, other.table):
                for placement in sorted(one.placements & other.placements):
                    yield placement, one.name, other.name


def _read(name: str, table: object) -> ExperimentTable:
    path = f"experiments.{name}"
    try:
        msgspec.convert(name, Name)
    except msgspec.ValidationError as error:
        raise InvalidExperiment(path, f"allowed names: {_allowed(Name)}") from error
    try:
        read = msgspec.convert(table, ExperimentTable)
    except msgspec.ValidationError as error:
        raise _explained(path, str(error)) from error
    for field, problem in _problems(read):
        raise InvalidExperiment(f"{path}.{field}", problem)
    return read


def _explained(path: str, message: str) -> InvalidExperiment:
    what, _, where = message.partition(" - at `$.")
    inner = where.rstrip("`")
    kind, field = next(
        (kind, inner[len(found[0]) :].lstrip("."))
        for pattern, kind in _KINDS
        if (found := re.match(pattern, inner))
    )
    hints = get_type_hints(kind, include_extras=True)
    unknown = _UNKNOWN_FIELD.search(what)
    place = f"{path}.{inner}" if inner else path
    if unknown:
        close = get_close_matches(unknown[1], list(hints), n=1)
        nearest = f" (did you mean {close[0]}?)" if close else ""
        problem = f"is no field of it{nearest}; allowed: {', '.join(hints)}"
        return InvalidExperiment(f"{place}.{unknown[1]}", problem)
    # Of what stands whole at the end of a path, the field above says what is allowed.
    hint = hints.get(re.split(r"[.\[]", field)[0]) if field else None
    if hint is None and inner:
        hint = get_type_hints(ExperimentTable, include_extras=True).get(inner.split("[")[0])
    allowed = _allowed(hint)
    return InvalidExperiment(place, f"{what}{f'; allowed: {allowed}' if allowed else ''}")


def _allowed(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return ", ".join(repr(choice) for choice in get_args(hint))
    if get_origin(hint) is Annotated:
        return next((meta.description for meta in get_args(hint)[1:] if meta.description), "")
    # Of ``dict[str, Strategy]`` the values say it.
    return _allowed(get_args(hint)[-1]) if get_args(hint) else ""


def _problems(table: ExperimentTable) -> Iterator[tuple[str, str]]:
    names = [one.name for one in table.variations]
    for index, name in enumerate(names):
        if name == HOLDOUT or name in names[:index]:
            problem = f"{name!r}; allowed: each name once, and not {HOLDOUT!r}"
            yield f"variations[{index}].name", problem
    if table.weights:
        yield from _weight_problems(table.weights, len(names))
    part = table.namespace
    if part is not None and part.start >= part.end:
        yield "namespace", f"from {part.start} to {part.end}; allowed: start before end"


def _names_at_odds(
    variation: Variation, placements: Mapping[str, Placement], campaigns: Collection[str]
) -> Iterator[tuple[str, str]]:
    for place, name in enumerate(variation.campaigns):
        if name not in campaigns:
            yield f"campaigns[{place}]", _unknown(name, "campaign", campaigns)
    of_products = [name for name, one in placements.items() if isinstance(one, Products)]
    for name, strategy in variation.strategy.items():
        placement = placements.get(name)
        if not isinstance(placement, Products):
            yield f"strategy.{name}", _unknown(name, "placement of products", of_products)
        else:
            replaced = msgspec.structs.replace(placement, strategy=strategy)
            for field, problem in placement_problems(replaced):
                yield f"strategy.{name}", f"does not suit its {field}: {problem}"
    of_campaigns = placements.keys() - of_products
    for name in variation.policy:
        if name not in of_campaigns:
            yield f"policy.{name}", _unknown(name, "placement of campaigns", of_campaigns)


def _unknown(name: str, what: str, known: Collection[str]) -> str:
    return f"{name!r} is no {what}; allowed: {', '.join(sorted(known)) or 'none'}"


def _weight_problems(weights: tuple[float, ...], n_variations: int) -> Iterator[tuple[str, str]]:
    allowed = f"{n_variations} numbers above 0, together 1"
    if len(weights) != n_variations:
        yield "weights", f"{len(weights)} of them; allowed: {allowed}"
    for index, weight in enumerate(weights):
        if not (math.isfinite(weight) and weight > 0):
            yield f"weights[{index}]", f"{weight}; allowed: {allowed}"
    # GrowthBook's SDKs take others for equal weights, without a word.
    if not 0.99 <= sum(weights) <= 1.01:
        yield "weights", f"together {sum(weights):g}; allowed: {allowed}"


def _are_apart(one: ExperimentTable, other: ExperimentTable) -> bool:
    a, b = one.namespace, other.namespace
    if a is None or b is None or one.hash_attribute != other.hash_attribute:
        return False
    return a.name == b.name and (a.end <= b.start or b.end <= a.start)

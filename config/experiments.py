"""The tables ``[experiments.NAME]`` of ``campaigns.toml``, and who sees which variation.

A variation is drawn by GrowthBook's hash of an id that the shop's pages know, too, so that its SDKs
agree (``growthbook_of``). Mistakes in the tables are the business of ``experiment_checks.py``, what
a variation changes that of ``experiment_effects.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from config.growthbook import (
    Range,
    bucket_ranges,
    choose_variation,
    equal_weights,
    fnv1a,
    in_namespace,
    share_of,
)
from config.placements import Share, Strategy, Truth

HASH_VERSION = 2
MAX_EXPERIMENTS = 100  # in force
HOLDOUT = "holdout"  # the name under which those count who are kept out of all variations

Attribute = Literal["anonymousId", "userId"]
Metric = Literal["click", "order", "revenue", "margin"]
PolicyName = Literal["learned", "random", "first"]
Assignment = tuple[str, str]  # the names of an experiment and of its variation

Name = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="1 to 64 letters, digits, '.', '_' and '-', the first a letter or digit",
    ),
]
HoldoutRate = Annotated[float, msgspec.Meta(ge=0, le=0.5, description="a number from 0 to 0.5")]


class Variation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done for those who are in it; nothing, where conditions alone ask for it.

    ``campaigns`` may be shown to nobody in another one. ``strategy`` and ``policy`` replace those
    of placements.
    """

    name: Name
    campaigns: tuple[str, ...] = ()
    strategy: dict[str, Strategy] = {}
    policy: dict[str, PolicyName] = {}


class Namespace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the visitors; experiments with parts that do not overlap share no visitor."""

    name: Name
    start: Share = 0.0
    end: Share = 1.0


class ExperimentTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[experiments.NAME]``; the first variation is the control.

    ``hash_attribute``: ``anonymousId`` is the browser's, the same before and after a login;
    ``userId`` that of customers alone, the same on all their devices. ``seed`` is the name unless
    it is said. ``holdout`` is kept out, and counted beside the variations; of the others
    ``coverage`` takes part. ``active = false`` assigns nobody any more. ``goal`` is what decides.
    """

    variations: Annotated[
        tuple[Variation, ...],
        msgspec.Meta(
            min_length=2,
            max_length=20,
            description='a list of 2 to 20 { name = "…", campaigns = ["…"], '
            'strategy = { PLACEMENT = "…" }, policy = { PLACEMENT = "…" } }, the control first',
        ),
    ]
    weights: Annotated[
        tuple[float, ...],
        msgspec.Meta(description="a number above 0 for each variation, together 1"),
    ] = ()
    coverage: Share = 1.0
    holdout: HoldoutRate = 0.0
    namespace: Annotated[
        Namespace | None,
        msgspec.Meta(description='{ name = "…", start = 0.0, end = 0.5 }, start before end'),
    ] = None
    hash_attribute: Attribute = "anonymousId"
    seed: Annotated[
        str, msgspec.Meta(max_length=64, description="a text of at most 64 letters")
    ] = ""
    goal: Metric = "order"
    active: Truth = True


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment made ready to assign.

    ``variations`` by name, the control first; ``campaigns`` and ``placements`` are all that one of
    them names; ``weights`` those in force.
    """

    name: str
    table: ExperimentTable
    seed: str
    variations: Mapping[str, Variation]
    campaigns: frozenset[str]
    placements: frozenset[str]
    weights: tuple[float, ...]
    ranges: tuple[Range, ...]
    seed_state: int
    holdout_state: int

    @property
    def control(self) -> str:
        """Return the name of the variation that the others are compared with."""
        return self.table.variations[0].name

    def expected_shares(self) -> dict[str, float]:
        """Return the share of each variation among all who are counted, together 1."""
        taken = (1 - self.table.holdout) * self.table.coverage
        shares = {
            name: taken * weight for name, weight in zip(self.variations, self.weights, strict=True)
        }
        if self.table.holdout:
            shares[HOLDOUT] = self.table.holdout
        total = sum(shares.values())
        return {name: share / total if total else 0.0 for name, share in shares.items()}


Experiments = Mapping[str, Experiment]


def ready(name: str, table: ExperimentTable) -> Experiment:
    """Return an experiment made ready to assign."""
    seed = table.seed or name
    variations = {one.name: one for one in table.variations}
    return Experiment(
        name=name,
        table=table,
        seed=seed,
        variations=variations,
        campaigns=frozenset(c for one in table.variations for c in one.campaigns),
        placements=frozenset(p for one in table.variations for p in (*one.strategy, *one.policy)),
        weights=table.weights or tuple(equal_weights(len(variations))),
        ranges=tuple(bucket_ranges(len(variations), table.coverage, table.weights or None)),
        seed_state=fnv1a(seed),
        holdout_state=fnv1a(_holdout_seed(seed)),
    )


def assign(
    experiments: Experiments,
    ids: Mapping[Attribute, str],
    kept: Mapping[str, str] | None = None,
) -> list[Assignment]:
    """Return the experiments that a visitor is in, each with the variation.

    ``ids`` hold the ids exactly as the shop spells them; one that nobody vouches for is left out.
    ``kept`` are the variations that the visitor was shown before: they last, also where the visitor
    comes by another browser, or weights have changed.
    """
    found = []
    for name, experiment in experiments.items():
        variation = _variation_of(experiment, ids, kept.get(name) if kept else None)
        if variation is not None:
            found.append((name, variation))
    return found


def growthbook_of(experiment: Experiment) -> dict[str, Any]:
    """Return the experiment as GrowthBook's SDKs take it (``growthbook.run``).

    The namespace is a filter, since the SDKs pass a namespace over where there are filters.
    """
    table = experiment.table
    filters: list[dict[str, Any]] = []
    if table.namespace is not None:
        part = [table.namespace.start, table.namespace.end]
        filters.append(_filter(table, f"__{table.namespace.name}", 1, part))
    if table.holdout:
        filters.append(_filter(table, _holdout_seed(experiment.seed), 2, [table.holdout, 1.0]))
    return {
        "key": experiment.name,
        "variations": list(experiment.variations),
        "meta": [{"key": name, "name": name} for name in experiment.variations],
        "weights": list(experiment.weights),
        "coverage": table.coverage,
        "hashAttribute": table.hash_attribute,
        "hashVersion": HASH_VERSION,
        "seed": experiment.seed,
        "active": table.active,
    } | ({"filters": filters} if filters else {})


def _variation_of(
    experiment: Experiment, ids: Mapping[Attribute, str], kept: str | None
) -> str | None:
    table = experiment.table
    value = ids.get(table.hash_attribute)
    if not value or not table.active:
        return None
    if kept is not None and (kept in experiment.variations or (kept == HOLDOUT and table.holdout)):
        return kept
    part = table.namespace
    if part is not None and not in_namespace(value, part.name, part.start, part.end):
        return None
    if table.holdout and share_of(value, experiment.holdout_state) < table.holdout:
        return HOLDOUT
    index = choose_variation(share_of(value, experiment.seed_state), experiment.ranges)
    return table.variations[index].name if index >= 0 else None


def _holdout_seed(seed: str) -> str:
    return f"{seed}:holdout"


def _filter(table: ExperimentTable, seed: str, version: int, part: list[float]) -> dict[str, Any]:
    return {
        "attribute": table.hash_attribute,
        "seed": seed,
        "hashVersion": version,
        "ranges": [part],
    }

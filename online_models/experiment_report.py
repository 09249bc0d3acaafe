"""What the sums of an experiment say: figures, lifts that are sure or not, and a plain sentence.

Everything that a report may raise an alarm about shares one rate of false alarms, ``ALARM_RATE``,
over the whole life of an experiment: half of it is the goal's, a tenth the split's, the other
metrics share the rest, and each shares its part among the variations.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import msgspec

from config.experiments import HOLDOUT, Experiment, Metric
from online_models.experiment_sums import ExperimentSums
from online_models.sequential import Sample, difference, mismatch, ratio, sample_of

ALARM_RATE = 0.05
_GOAL_RATE = ALARM_RATE / 2
_SPLIT_RATE = ALARM_RATE / 10
METRICS: tuple[Metric, ...] = get_args(Metric)

Role = Literal["control", "variation", "holdout"]


class _Part(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the report as it goes over the wire."""


class Lift(_Part, frozen=True):
    """How a metric per visitor lies above the control's: by how much, and by what share of it.

    ``low`` to ``high`` hold the true one; the shares are None while they have no bounds.
    """

    difference: float
    low: float
    high: float
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    is_sure: bool


class VariationReport(_Part, frozen=True):
    """The figures of one variation; those per visitor are 0 while there is none."""

    name: str
    role: Role
    expected_share: float
    visitors: int
    clicked: int
    converted: int
    orders: int
    revenue: float
    margin: float
    per_visitor: dict[Metric, float]
    lifts: dict[Metric, Lift]


class SampleRatio(_Part, frozen=True):
    """Whether visitors come as the weights say; ``p_value`` is valid at any time."""

    p_value: float
    is_mismatch: bool


class ExperimentReport(_Part, frozen=True):
    """An experiment's figures; times in ms, None while nobody was counted."""

    name: str
    goal: Metric
    is_active: bool
    hash_attribute: str
    first_at: int | None
    latest_at: int | None
    visitors: int
    variations: list[VariationReport]
    sample_ratio: SampleRatio
    confidence: float

    @property
    def control(self) -> VariationReport:
        """Return what the others are compared with."""
        return self.variations[0]


def report_of(experiment: Experiment, sums: Mapping[str, ExperimentSums]) -> ExperimentReport:
    """Return what the sums say, by variation; one that is missing was seen by nobody."""
    shares = experiment.expected_shares()
    known = {name: sums.get(name, ExperimentSums()) for name in shares}
    control = known[experiment.control]
    rates = alarm_rates(experiment.table.goal, len(shares) - 1)
    counted = [one for one in known.values() if one.first_at]
    p_value = mismatch({name: one.visitors for name, one in known.items()}, shares)
    return ExperimentReport(
        name=experiment.name,
        goal=experiment.table.goal,
        is_active=experiment.table.active,
        hash_attribute=experiment.table.hash_attribute,
        first_at=min((one.first_at for one in counted), default=None),
        latest_at=max((one.latest_at for one in counted), default=None),
        visitors=sum(one.visitors for one in known.values()),
        variations=[
            _variation(experiment, name, one, shares[name], dict(lifts_of(one, control, rates)))
            for name, one in known.items()
        ],
        sample_ratio=SampleRatio(p_value, p_value <= _SPLIT_RATE),
        confidence=1 - ALARM_RATE,
    )


def alarm_rates(goal: Metric, n_comparisons: int) -> dict[Metric, float]:
    """Return the rate of false alarms of each interval.

    >>> round(sum(alarm_rates("order", 2).values()) * 2 + _SPLIT_RATE, 9)
    0.05
    """
    other = (ALARM_RATE - _GOAL_RATE - _SPLIT_RATE) / (len(METRICS) - 1)
    return {metric: (_GOAL_RATE if metric == goal else other) / n_comparisons for metric in METRICS}


def lifts_of(
    sums: ExperimentSums, control: ExperimentSums, rates: Mapping[Metric, float]
) -> Iterator[tuple[Metric, Lift]]:
    """Yield the lift of each metric against the control, as soon as there is one."""
    if sums is control:
        return
    samples, controls = samples_of(sums), samples_of(control)
    for metric, rate in rates.items():
        apart = difference(samples[metric], controls[metric], rate)
        if apart is None:
            continue
        times = ratio(samples[metric], controls[metric], rate)
        yield (
            metric,
            Lift(
                difference=apart.estimate,
                low=apart.low,
                high=apart.high,
                relative=None if times is None else times.estimate - 1,
                relative_low=None if times is None else times.low - 1,
                relative_high=None if times is None else times.high - 1,
                is_sure=apart.is_apart,
            ),
        )


def samples_of(sums: ExperimentSums) -> dict[Metric, Sample]:
    """Return what each metric is of a visitor: one who clicked, one who ordered, and money."""
    n = sums.visitors
    return {
        "click": sample_of(n, sums.clicked, sums.clicked),
        "order": sample_of(n, sums.converted, sums.converted),
        "revenue": sample_of(n, sums.revenue, sums.squared_revenue),
        "margin": sample_of(n, sums.margin, sums.squared_margin),
    }


def alarms_of(report: ExperimentReport) -> list[str]:
    """Return everything that a report calls sure, its split first; of an A/A test, false alarms."""
    split = ["split"] if report.sample_ratio.is_mismatch else []
    sure = [
        metric for one in report.variations for metric, lift in one.lifts.items() if lift.is_sure
    ]
    return [*split, *sure]


def _variation(
    experiment: Experiment,
    name: str,
    sums: ExperimentSums,
    share: float,
    lifts: dict[Metric, Lift],
) -> VariationReport:
    role: Role = "control" if name == experiment.control else "variation"
    return VariationReport(
        name=name,
        role="holdout" if name == HOLDOUT else role,
        expected_share=share,
        visitors=sums.visitors,
        clicked=sums.clicked,
        converted=sums.converted,
        orders=sums.orders,
        revenue=sums.revenue,
        margin=sums.margin,
        per_visitor={metric: sample.mean for metric, sample in samples_of(sums).items()},
        lifts=lifts,
    )

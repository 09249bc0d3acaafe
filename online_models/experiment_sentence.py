"""Says in a plain sentence what the report of an experiment means, and what it does not."""

from collections.abc import Iterator

from config.experiments import Metric
from online_models.experiment_report import ExperimentReport, Lift, VariationReport
from online_models.sequential import MIN_VISITORS

_MORE_AND_LESS: dict[Metric, tuple[str, str]] = {
    "click": ("more visitors click", "fewer visitors click"),
    "order": ("more visitors order", "fewer visitors order"),
    "revenue": ("more revenue a visitor", "less revenue a visitor"),
    "margin": ("more margin a visitor", "less margin a visitor"),
}


def sentence_of(report: ExperimentReport) -> str:
    """Return what the figures allow to say, for somebody who knows no statistics."""
    if report.visitors == 0:
        return "Nobody has been counted yet."
    if report.sample_ratio.is_mismatch:
        return (
            f"The split is not what was asked for ({_split(report)}): something loses visitors of "
            "one variation or counts them twice. Do not trust these figures before that is found."
        )
    verdicts = list(_verdicts(report))
    if not verdicts:
        least = min(one.visitors for one in report.variations)
        return (
            f"Too early to say anything: each variation needs {MIN_VISITORS} visitors, "
            f"and one has {least}."
        )
    return " ".join([*verdicts, *_besides(report)])


def _verdicts(report: ExperimentReport) -> Iterator[str]:
    """Yield a sentence on the goal for each variation that can be compared."""
    for one in report.variations:
        lift = one.lifts.get(report.goal)
        if lift is None:
            continue
        against = f"{one.name} against {report.control.name}"
        if lift.is_sure:
            yield f"{against}: {_sure(lift, report.goal)}, for sure."
        elif lift.relative_low is None or lift.relative_high is None:
            yield f"{against}: no difference is sure yet, after {_visitors(one, report)} visitors."
        else:
            low, high = lift.relative_low, lift.relative_high
            more, less = _MORE_AND_LESS[report.goal]
            yield (
                f"{against}: no difference is sure yet, after {_visitors(one, report)} visitors; "
                f"it may be anything from {_percent(low)} {less} to {_percent(high)} {more}."
            )


def _besides(report: ExperimentReport) -> Iterator[str]:
    for one in report.variations:
        sure = [
            _sure(lift, metric)
            for metric, lift in one.lifts.items()
            if lift.is_sure and metric != report.goal
        ]
        if sure:
            yield f"Also for sure, {one.name}: {'; '.join(sure)}."


def _sure(lift: Lift, metric: Metric) -> str:
    words = _MORE_AND_LESS[metric][0 if lift.low > 0 else 1]
    if lift.relative is None or lift.relative_low is None or lift.relative_high is None:
        low, high = sorted((abs(lift.low), abs(lift.high)))
        return f"{words}, by {low:.4g} to {high:.4g}"
    low, high = sorted((abs(lift.relative_low), abs(lift.relative_high)))
    return f"{_percent(lift.relative)} {words} (between {_percent(low)} and {_percent(high)})"


def _split(report: ExperimentReport) -> str:
    return ", ".join(
        f"{one.name} {one.visitors:,} instead of {one.expected_share * report.visitors:,.0f}"
        for one in report.variations
    )


def _visitors(one: VariationReport, report: ExperimentReport) -> str:
    return f"{one.visitors + report.control.visitors:,}"


def _percent(share: float) -> str:
    return f"{100 * abs(share):,.1f}\u00a0%"

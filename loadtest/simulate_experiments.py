"""How often an experiment's report is wrong where nothing differs, and how soon it sees a lift.

Made-up visitors (``made_up_experiment.py``), judged by the very code that ``GET /v1/experiments``
answers with, and all of its alarms count: the split's and those of every metric.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from math import sqrt
from statistics import median
from typing import Any, NamedTuple

from config.experiments import Experiment, ExperimentTable, Variation, ready
from loadtest.made_up_experiment import CONTROL, NEW, Looks, sums_at_looks
from online_models.experiment_report import ALARM_RATE, METRICS, alarms_of, report_of, samples_of
from online_models.experiment_sums import ExperimentSums

Progress = Callable[[int], None]
_PLAIN, _PLAIN_ERRORS = "plain test", 1.96


class Plan(NamedTuple):
    """An A/A test of ``runs`` and a test of power of ``power_runs``, each with its looks."""

    runs: int
    looks: Looks
    power_runs: int
    power_looks: Looks
    lift: float
    seed: int


def simulate_experiments(plan: Plan, progress: Progress) -> dict[str, Any]:
    """Return the figures of both tests; ``progress`` is told how many runs are done."""
    experiment = an_experiment()
    false_alarms: Counter[str] = Counter()
    for run in range(plan.runs):
        alarms = _alarms(experiment, plan.looks, _seed(plan.seed, 0, run))
        false_alarms.update(alarms)
        false_alarms["any"] += any(alarm != _PLAIN for alarm in alarms)
        progress(run + 1)
    found = []
    for run in range(plan.power_runs):
        found.append(_seen_after(experiment, plan, _seed(plan.seed, 1, run)))
        progress(plan.runs + run + 1)
    seen_after = [n for n, is_right in found if n is not None and is_right]
    return {
        "false_alarm_rate": false_alarms["any"] / plan.runs,
        "bar": ALARM_RATE,
        "is_met": false_alarms["any"] / plan.runs <= ALARM_RATE,
        "false_alarms": {name: false_alarms[name] for name in ("split", *METRICS)},
        "plain_test_false_alarm_rate": false_alarms[_PLAIN] / plan.runs,
        "runs": plan.runs,
        "visitors": plan.looks.n_visitors,
        "look_every": plan.looks.every,
        "power": {
            "lift": plan.lift,
            "runs": plan.power_runs,
            "visitors": plan.power_looks.n_visitors,
            "look_every": plan.power_looks.every,
            "seen_rate": len(seen_after) / plan.power_runs,
            "wrong_rate": sum(n is not None and not right for n, right in found) / plan.power_runs,
            "median_visitors_until_seen": median(seen_after) if seen_after else None,
        },
        "seed": plan.seed,
    }


def an_experiment() -> Experiment:
    """Return an experiment of two variations whose goal are orders."""
    return ready("aa", ExperimentTable(variations=(Variation(name=CONTROL), Variation(name=NEW))))


def _alarms(experiment: Experiment, looks: Looks, seed: int) -> set[str]:
    """Return everything that was sure at any look of an A/A test."""
    found: set[str] = set()
    for sums in sums_at_looks(looks, 0.0, seed):
        found.update(alarms_of(report_of(experiment, sums)))
        if _is_sure_by_a_plain_test(sums):
            found.add(_PLAIN)
    return found


def _is_sure_by_a_plain_test(sums: Mapping[str, ExperimentSums]) -> bool:
    """Tell whether orders differ by the two-sided z-test of 5 %, which allows a single look."""
    one, other = (samples_of(sums[name])["order"] for name in (CONTROL, NEW))
    if not (one.n and other.n):
        return False
    error = sqrt(one.variance / one.n + other.variance / other.n)
    return abs(one.mean - other.mean) > _PLAIN_ERRORS * error > 0


def _seen_after(experiment: Experiment, plan: Plan, seed: int) -> tuple[int | None, bool]:
    """Return after how many visitors the goal is sure, and whether it was right."""
    for sums in sums_at_looks(plan.power_looks, plan.lift, seed):
        report = report_of(experiment, sums)
        lift = report.variations[1].lifts.get(report.goal)
        if lift is not None and lift.is_sure:
            return report.visitors, lift.difference * plan.lift > 0
    return None, False


def _seed(seed: int, part: int, run: int) -> int:
    return (seed * 2 + part) * 1_000_000 + run

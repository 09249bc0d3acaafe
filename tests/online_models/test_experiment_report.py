"""What a report says of sums, in figures and in a sentence."""

from typing import Any

import pytest

from config.experiments import HOLDOUT, Experiment
from online_models.experiment_report import ExperimentReport, alarms_of, report_of
from online_models.experiment_sentence import sentence_of
from online_models.experiment_sums import ExperimentSums
from tests.builders import read_experiments


def an_experiment(**fields: Any) -> Experiment:
    variations = [{"name": "control"}, {"name": "new"}]
    return read_experiments({"hero": {"variations": variations} | fields})["hero"]


def sums(visitors: int, converted: int, price: float = 50.0) -> ExperimentSums:
    """Return visitors of whom some ordered once, each for the same price, at a margin of 0.4."""
    revenue, margin = converted * price, converted * price * 0.4
    return ExperimentSums(
        first_at=5,
        latest_at=9,
        visitors=visitors,
        clicked=visitors // 10,
        converted=converted,
        orders=converted,
        revenue=revenue,
        squared_revenue=revenue * price,
        margin=margin,
        squared_margin=margin * price * 0.4,
    )


def report(
    control: ExperimentSums, new: ExperimentSums, holdout: ExperimentSums | None = None
) -> ExperimentReport:
    if holdout is None:
        return report_of(an_experiment(), {"control": control, "new": new})
    named = {"control": control, "new": new, HOLDOUT: holdout}
    return report_of(an_experiment(holdout=0.2), named)


def test_figures_per_visitor_are_those_of_the_sums() -> None:
    found = report(sums(1_000, 50), sums(1_000, 60))
    new = found.variations[1]
    assert new.per_visitor == pytest.approx(
        {"click": 0.1, "order": 0.06, "revenue": 3.0, "margin": 1.2}
    )
    assert new.lifts["order"].difference == pytest.approx(0.01)
    assert new.lifts["order"].low < 0 < new.lifts["order"].high
    assert found.control.lifts == {}
    assert [one.role for one in found.variations] == ["control", "variation"]
    assert (found.visitors, found.first_at, found.latest_at) == (2_000, 5, 9)


def test_nobody_yet() -> None:
    found = report_of(an_experiment(), {})
    assert sentence_of(found) == "Nobody has been counted yet."
    assert (found.first_at, alarms_of(found)) == (None, [])


def test_too_few() -> None:
    found = report(sums(40, 2), sums(29, 2))
    assert sentence_of(found) == (
        "Too early to say anything: each variation needs 30 visitors, and one has 29."
    )


def test_no_difference_yet() -> None:
    found = report(sums(10_000, 500), sums(10_000, 505))
    assert sentence_of(found).startswith(
        "new against control: no difference is sure yet, after 20,000 visitors; "
        "it may be anything from "
    )
    assert "fewer visitors order to " in sentence_of(found)
    assert alarms_of(found) == []


def test_no_bounds_yet() -> None:
    assert sentence_of(report(sums(50, 1), sums(50, 2))) == (
        "new against control: no difference is sure yet, after 100 visitors."
    )


@pytest.mark.parametrize(("converted", "words"), [(3_000, "more"), (1_200, "fewer")])
def test_a_sure_difference_is_said_with_its_bounds(converted: int, words: str) -> None:
    found = report(sums(40_000, 2_000), sums(40_000, converted))
    share = f"{100 * abs(converted / 2_000 - 1):.1f}\u00a0%"
    assert f"new against control: {share} {words} visitors order (between " in sentence_of(found)
    assert sentence_of(found).endswith(f"margin a visitor (between {_bounds(found)}).")
    assert alarms_of(found) == ["order", "revenue", "margin"]


def _bounds(found: ExperimentReport) -> str:
    lift = found.variations[1].lifts["margin"]
    assert lift.relative_low is not None
    assert lift.relative_high is not None
    low, high = sorted((abs(lift.relative_low), abs(lift.relative_high)))
    return f"{100 * low:.1f}\u00a0% and {100 * high:.1f}\u00a0%"


def test_a_difference_from_nothing_is_said_in_absolute_figures() -> None:
    found = report(sums(40_000, 0), sums(40_000, 2_000))
    assert "new against control: more visitors order, by 0.0" in sentence_of(found)


def test_a_wrong_split_is_said_before_anything_else() -> None:
    found = report(sums(40_000, 2_000), sums(38_000, 3_000))
    assert found.sample_ratio.is_mismatch
    assert sentence_of(found).startswith(
        "The split is not what was asked for (control 40,000 instead of 39,000, "
        "new 38,000 instead of 39,000)"
    )
    assert alarms_of(found)[0] == "split"


def test_a_holdout_is_compared_with_the_control() -> None:
    found = report(sums(40_000, 2_000), sums(40_000, 2_000), sums(20_000, 600))
    assert [one.role for one in found.variations] == ["control", "variation", "holdout"]
    assert [one.expected_share for one in found.variations] == pytest.approx([0.4, 0.4, 0.2])
    assert found.variations[2].lifts["order"].is_sure
    assert "holdout against control: 40.0\u00a0% fewer visitors order" in sentence_of(found)


def test_more_variations_and_other_goals_make_intervals_wider() -> None:
    def width(experiment: Experiment) -> float:
        sums_of = {name: sums(10_000, 500) for name in experiment.variations}
        lift = report_of(experiment, sums_of).variations[1].lifts["order"]
        return lift.high - lift.low

    names = [{"name": name} for name in ("control", "new", "newer", "newest")]
    of_goal, of_many = width(an_experiment()), width(an_experiment(variations=names))
    assert of_goal < of_many
    assert of_goal < width(an_experiment(goal="click"))

"""The A/A test, in short: where nothing differs, hardly any look says so."""

from loadtest.made_up_experiment import CONTROL, NEW, Looks, sums_at_looks
from loadtest.simulate_experiments import Plan, an_experiment, simulate_experiments
from online_models.experiment_report import report_of
from online_models.experiment_sums import ExperimentSums

SHORT = Plan(
    runs=200,
    looks=Looks(5_000, 100),
    power_runs=20,
    power_looks=Looks(60_000, 2_000),
    lift=0.3,
    seed=7,
)


def test_false_alarms_are_rare_where_a_plain_test_raises_many() -> None:
    """The longer test gives 1 to 2 % (README); 10 of 200 would be 6 deviations above.

    A plain test, looked at 50 times, alarms in about a third of runs: 30 of 200 are 5 below.
    """
    found = simulate_experiments(SHORT, lambda _: None)
    assert found["false_alarm_rate"] <= 0.05
    assert found["plain_test_false_alarm_rate"] > 0.15
    assert found["power"]["seen_rate"] == 1.0
    assert found["power"]["wrong_rate"] == 0.0
    assert found["power"]["median_visitors_until_seen"] < 30_000


def test_the_same_seed_gives_the_same_figures_and_another_one_others() -> None:
    few = SHORT._replace(runs=5, power_runs=2)
    told: list[int] = []
    first = simulate_experiments(few, told.append)
    assert told == [1, 2, 3, 4, 5, 6, 7]
    assert simulate_experiments(few, lambda _: None) == first
    [one], [other] = (sums_at_looks(Looks(1_000, 1_000), 0.0, seed) for seed in (1, 2))
    assert one != other


def test_a_true_lift_stays_within_the_intervals() -> None:
    """At most 5 % of runs may miss it at any look: 9 of 60 are 4 deviations above."""
    lift, missed = 0.2, 0
    for seed in range(60):
        is_missed = False
        for sums in sums_at_looks(Looks(20_000, 500), lift, seed):
            found = report_of(an_experiment(), sums).variations[1].lifts["order"]
            if found.relative_low is not None and found.relative_high is not None:
                is_missed |= not found.relative_low <= lift <= found.relative_high
        missed += is_missed
    assert missed <= 9


def test_sums_at_looks_grow_and_hold_every_visitor() -> None:
    before = {CONTROL: ExperimentSums(), NEW: ExperimentSums()}
    for number, sums in enumerate(sums_at_looks(Looks(1_050, 100), 0.0, 1), start=1):
        assert sum(one.visitors for one in sums.values()) == 100 * number
        for name, one in sums.items():
            assert one.visitors > before[name].visitors
            assert one.orders >= one.converted >= before[name].converted
            assert one.squared_revenue >= before[name].squared_revenue
        before = sums
    assert number == 10

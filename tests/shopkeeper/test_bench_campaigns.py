"""The bench of campaigns measures what it says; times are not judged."""

from random import Random

from config.campaign_checks import read_campaigns
from config.conditions import compile_test
from config.placements import Banner
from shopkeeper.bench_campaigns import N_LEARNED, bench_campaigns, campaigns_toml, taught


def test_the_policy_knows_the_campaigns_that_there_are_and_no_others() -> None:
    for n_campaigns, n_learned in ((3, 3), (200, N_LEARNED)):
        arms = taught(n_campaigns, Random(1)).chances.arms.by_name
        assert sorted(arms) == sorted(f"c{number}/a" for number in range(n_learned))


def test_the_figures_are_of_decisions_in_which_campaigns_were_shown() -> None:
    figures = bench_campaigns(n_campaigns=40, rounds=1, seed=1)
    assert 0 < figures["shown_rate"] <= 1


def test_no_two_campaigns_have_the_same_condition() -> None:
    campaigns = read_campaigns(campaigns_toml(500), {"hero": Banner()}).campaigns
    assert len({compile_test(one.when) for one in campaigns.values()}) == 500

"""The bench of campaigns measures what it says; times are not judged."""

import pytest

from config.campaign_checks import read_campaigns
from config.conditions import compile_test
from config.placements import Banner
from shopkeeper.bench_campaigns import bench_campaigns, campaigns_toml


def test_the_figures_are_of_decisions_in_which_campaigns_were_shown() -> None:
    figures = bench_campaigns(n_campaigns=40, rounds=1, seed=1)
    added = figures["with_us"] - figures["without_us"]
    assert figures["added_ms"] == pytest.approx(added / 1000, abs=2e-4)
    assert 0 < figures["shown_rate"] <= 1


def test_no_two_campaigns_have_the_same_condition() -> None:
    campaigns = read_campaigns(campaigns_toml(500), {"hero": Banner()}).campaigns
    assert len({compile_test(one.when) for one in campaigns.values()}) == 500

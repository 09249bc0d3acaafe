"""The made-up shops, and a short run of each; the bars themselves are for the commands."""

import numpy as np
import orjson
import pytest

from loadtest import simulate_banners, simulate_offers
from loadtest.made_up_banners import BannerShop
from loadtest.made_up_offers import (
    BUY_ANYWAY,
    DISCOUNT,
    NEVER,
    NO_OFFER,
    PERSUADABLE,
    OfferVisits,
    offer_visits,
)
from loadtest.many_seeds import run_seeds
from loadtest.simulate_banners import BannerPlan
from loadtest.simulate_offers import OfferPlan


def test_a_seed_gives_the_same_banner_shop_and_another_gives_another() -> None:
    first, same, other = (BannerShop(seed).visits(500, 0) for seed in (1, 1, 2))
    assert (first.features == same.features).all()
    assert (first.chances == same.chances).all()
    assert not (first.chances == other.chances).all()


def test_at_the_drift_other_banners_suit_the_same_visitors() -> None:
    """Of ten shops at most half of the visitors keep their best banner."""
    for seed in range(10):
        before, after = BannerShop(seed), BannerShop(seed)
        kept = before.visits(4_000, 0).chances.argmax(axis=1) == after.visits(
            4_000, 1
        ).chances.argmax(axis=1)
        assert kept.mean() < 0.6


def test_much_is_at_stake_between_banners() -> None:
    """Whoever knows all earns more than a fifth above the best single banner, in the median."""
    gains = []
    for seed in range(10):
        chances = BannerShop(seed).visits(4_000, 0).chances
        gains.append(chances.max(axis=1).mean() / chances.mean(axis=0).max())
    assert np.median(gains) > 1.2


def test_a_short_banner_shop_ends_well_above_what_needs_no_contexts() -> None:
    """With 8,000 visits a phase 15 seeds gave 0.86 to 0.95 before the drift, this one 0.95."""
    row = simulate_banners.run_shop(seed=3, n=8_000)
    assert row["share_of_best"][0] > row["best_single_share"][0] + 0.05
    assert row["whole_run"]["policy"] > row["whole_run"]["hourly"]
    assert np.abs(row["deviations"]).max() < 4.5
    assert sum(row["told_shares"]) == pytest.approx(1.0)


def visits() -> OfferVisits:
    return offer_visits(30_000, seed=4)


def test_only_persuadable_visitors_are_worth_a_discount() -> None:
    best = visits().margins().argmax(axis=1)
    classes = visits().classes
    assert set(best[classes == PERSUADABLE]) == {DISCOUNT}
    assert set(best[classes == BUY_ANYWAY]) == set(best[classes == NEVER]) == {NO_OFFER}


def test_what_is_seen_hints_at_the_class_and_no_more() -> None:
    guessed = visits().guessed
    right = (guessed.argmax(axis=1) == visits().classes).mean()
    assert 0.75 < right < 0.92
    assert guessed.sum(axis=1) == pytest.approx(np.ones(30_000))
    by_class = np.array([guessed[visits().classes == one, one].mean() for one in range(3)])
    of_guess = np.array([guessed[:, one].mean() for one in range(3)])
    shares = np.bincount(visits().classes) / 30_000
    assert of_guess == pytest.approx(shares, abs=0.015)
    assert (by_class > 0.6).all()


def test_in_a_short_offer_shop_who_buys_anyway_soon_gets_few_discounts_and_the_holdout_none() -> (
    None
):
    """With 16,000 visits 15 seeds gave 0.90 to 0.92; none at all and all round bring 0.78, 0.71."""
    row = simulate_offers.run_shop(seed=5, n=16_000)
    assert row["share_of_best"] > row["never_offering_share"] + 0.05
    assert row["share_of_best"] > row["always_offering_share"] + 0.05
    assert row["offered"]["persuadable"] > 2 * row["discounts_to_buy_anyway"]
    assert row["offered_to_holdout"] == 0


def test_medians_are_of_all_shops_and_each_is_told() -> None:
    said: list[int] = []
    figures = simulate_banners.simulate_banners(BannerPlan(2, 7, 2_000), said.append)
    assert said == [1, 2]
    assert [row["seed"] for row in figures["each"]] == [7, 8]
    lowest = min(min(row["share_of_best"]) for row in figures["each"])
    assert figures["lowest_share_of_best"] == lowest <= figures["share_of_best"]
    assert orjson.loads(orjson.dumps(figures)) == figures


def test_offers_tell_their_medians_too() -> None:
    figures = simulate_offers.simulate_offers(OfferPlan(1, 7, 2_000), lambda _: None)
    [row] = figures["each"]
    assert figures["share_of_best"] == row["share_of_best"]
    assert figures["discounts_to_buy_anyway"] == row["discounts_to_buy_anyway"]
    assert orjson.loads(orjson.dumps(figures)) == figures


def test_seeds_give_the_same_in_other_processes() -> None:
    rows = run_seeds(simulate_banners.run_shop, range(1, 3), 2_000, lambda _: None)
    assert rows == [simulate_banners.run_shop(seed, 2_000) for seed in (1, 2)]

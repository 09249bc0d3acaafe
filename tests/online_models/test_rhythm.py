from random import Random

import pytest

from config.durations import DAY_MS
from config.examples import Waited
from online_models.curves import (
    HORIZON_MS,
    USUAL_MS,
    Curves,
    InvalidCurves,
    decode_curves,
    encode_curves,
)
from online_models.expected import Rhythm
from online_models.rhythm import (
    N_BINS,
    N_GROUPS,
    bin_end,
    bin_of,
    follow,
    join,
    next_at,
    order_times,
    pass_time,
)
from online_models.rhythm_evaluation import Ordered, Shop, evaluate_rhythm
from online_models.rhythm_model import MAX_COUNT, RhythmModel
from online_models.snapshots import SnapshotMismatch

START = 1_700_000_000_000


def at_days(*days: float) -> list[int]:
    return [round(START + day * DAY_MS) for day in days]


def test_orders_of_a_day_are_one_whatever_comes_after() -> None:
    assert order_times(at_days(9, 5.3, 5, 1)) == at_days(9, 5, 1)


def test_a_scale_is_drawn_from_what_is_usual_to_the_customers_own_intervals() -> None:
    [scales] = [
        [
            follow(None, at_days(*range(7 * n, -1, -7)), USUAL_MS)[0].scale_ms / DAY_MS
            for n in range(10)
        ]
    ]
    assert scales[0] == pytest.approx(30)
    assert scales == sorted(scales, reverse=True)
    assert 7 < scales[-1] < 11


def test_the_next_order_ends_the_interval_and_teaches_its_bins_once() -> None:
    rhythm, nothing = follow(None, at_days(0), USUAL_MS)
    first = pass_time(rhythm, START + 10 * DAY_MS)
    rhythm, second = follow(rhythm, at_days(12, 0), USUAL_MS)

    assert nothing == []
    assert [(one.first, one.last) for one in first] == [(0, bin_of(10 / 30) - 1)]
    [ended] = second
    assert (ended.first, ended.last) == (bin_of(10 / 30), bin_of(12 / 30))
    assert (ended.group, ended.silence_ms) == (0, 12 * DAY_MS)
    assert (rhythm.ordered_at, rhythm.n_orders, rhythm.taught) == (at_days(12)[0], 2, 0)


def test_an_older_order_that_comes_in_late_teaches_nothing_and_counts_for_the_scale() -> None:
    rhythm, _ = follow(None, at_days(10), USUAL_MS)
    pass_time(rhythm, START + 16 * DAY_MS)
    taught = rhythm.taught
    later, examples = follow(rhythm, at_days(10, 8), USUAL_MS)

    assert examples == []
    assert (later.n_orders, later.taught) == (2, taught)
    assert later.scale_ms < rhythm.scale_ms


def test_each_bin_is_passed_at_its_end_and_after_the_last_nothing_is_due() -> None:
    rhythm, _ = follow(None, at_days(0), USUAL_MS)
    for number in range(N_BINS):
        due_at = next_at(rhythm)
        assert pass_time(rhythm, due_at - 1) == []
        assert pass_time(rhythm, due_at) == [Waited(0, number, number, due_at)]
        assert due_at - START == pytest.approx(rhythm.scale_ms * bin_end(number), abs=2)
    assert pass_time(rhythm, due_at * 2) == []


def test_joint_histories_go_on_from_what_was_taught_last_whichever_comes_first() -> None:
    early, late = Rhythm(5, 10, 1, 9), Rhythm(6, 10, 1, 2)
    assert join(early, late) == join(late, early) == late
    assert join(None, early) == join(early, None) == early


def learned(orders: list[Ordered], until: int) -> Shop:
    shop = Shop()
    for at, customer in sorted(orders):
        shop.order(at, customer)
    shop.pass_time(until)
    return shop


def regulars(seed: int = 1, n_customers: int = 300, days: int = 300) -> list[Ordered]:
    """Return orders about every 10 or every 40 days, from which a tenth each time is the last."""
    rng, orders = Random(seed), []
    for number in range(n_customers):
        usual, at = rng.choice([10, 40]), rng.uniform(0, 40)
        while at < days:
            orders.append((round(START + at * DAY_MS), f"c{number}"))
            if rng.random() < 0.1:
                break
            at += usual * rng.uniform(0.8, 1.25)
    return orders


def test_forecasts_are_near_the_truth_of_regular_customers() -> None:
    shop = learned(regulars(), START + 300 * DAY_MS)
    curves = shop.model.curves()
    for usual in (10, 40):
        rhythm, _ = follow(None, at_days(*range(usual * 9, -1, -usual)), curves.usual_ms)
        due = (curves.due_at(rhythm) - rhythm.ordered_at) / DAY_MS
        assert 0.7 * usual < due < 1.6 * usual
        soon = curves.chance(rhythm, rhythm.ordered_at, 3 * usual * DAY_MS)
        assert 0.75 < soon < 0.99  # nine of ten come back
        late = rhythm.ordered_at + 4 * usual * DAY_MS
        assert curves.chance(rhythm, late, HORIZON_MS) < soon
        leaves_at = curves.leaves_at(rhythm, 0.5)
        assert leaves_at is not None
        assert usual < (leaves_at - rhythm.ordered_at) / DAY_MS < 8 * usual
        assert 1 - curves.chance(rhythm, leaves_at, HORIZON_MS) >= 0.5
        assert 1 - curves.chance(rhythm, leaves_at - DAY_MS, HORIZON_MS) < 0.5


def test_it_foresees_better_than_its_baselines() -> None:
    figures = evaluate_rhythm(regulars(n_customers=600), 100 * DAY_MS, 15 * DAY_MS)
    again, leaving = figures["again"], figures["leaving"]
    assert again["auc"] > max(again["auc_mean_interval"] - 0.02, 0.7)
    assert again["log_loss"] < again["log_loss_rate"]
    assert leaving["auc"] > leaving["auc_recency"] > 0.6
    assert leaving["log_loss"] < leaving["log_loss_rate"]


def test_who_knows_nothing_expects_finite_times_that_do_not_run_backwards() -> None:
    curves = RhythmModel().curves()
    rhythm = Rhythm(START, USUAL_MS, 1)
    chances = [curves.chance(rhythm, START, days * DAY_MS) for days in range(0, 4_000, 50)]
    assert chances[0] == 0.0
    assert chances == sorted(chances)
    assert chances[-1] < 1.0
    shares = [curves.due_at(rhythm, share) for share in (0.01, 0.25, 0.5, 0.75, 1.0)]
    assert shares[0] >= START
    assert shares == sorted(shares)
    assert shares[-1] <= START + HORIZON_MS + 1
    assert curves.leaves_at(rhythm, 0.0) == START
    assert curves.leaves_at(rhythm, 1.0) is None


def test_curves_go_through_their_bytes_and_broken_ones_are_told() -> None:
    curves = learned(regulars(n_customers=50), START).model.curves()
    assert decode_curves(encode_curves(curves)) == curves
    broken = [b"", b"\x09", b"\x01\xc1", encode_curves(Curves(1.0, 1, [[0.1]]))]
    broken += [
        encode_curves(Curves(usual, 1, [[chance] * N_BINS] * N_GROUPS))
        for usual, chance in ((1.0, 1.0), (float("nan"), 0.1), (0.0, 0.1), (1.0, float("nan")))
    ]
    for data in broken:
        with pytest.raises(InvalidCurves):
            decode_curves(data)


@pytest.mark.parametrize(
    "waited",
    [
        Waited(-1, 0, 1, START),
        Waited(N_GROUPS, 0, 1, START),
        Waited(0, -1, 1, START),
        Waited(0, 3, 2, START),
        Waited(0, 0, N_BINS, START),
        Waited(0, 0, 1, START, 0),
        Waited(0, 0, 1, START, 10**18),
    ],
)
def test_what_is_no_interval_is_not_learned(waited: Waited) -> None:
    model = RhythmModel()
    assert not model.learn_one(waited)
    assert model.to_bytes() == RhythmModel().to_bytes()


def test_a_model_goes_on_from_its_bytes_and_broken_ones_are_told() -> None:
    model = learned(regulars(n_customers=50), START).model
    again = RhythmModel.from_bytes(model.to_bytes())
    for one in (model, again):
        assert one.learn_one(Waited(1, 0, 4, START, 9 * DAY_MS))
    assert again.to_bytes() == model.to_bytes()
    data = bytearray(model.to_bytes())
    data[-1] ^= 1
    for broken in (bytes(data), b"", b"\x93\x01\x02\xc4\x00"):
        with pytest.raises(SnapshotMismatch):
            RhythmModel.from_bytes(broken)


def test_counts_stay_bounded_and_chances_stay_as_they_are() -> None:
    model = RhythmModel()
    for _ in range(2_000):
        model.learn_one(Waited(0, 0, 3, START, 9 * DAY_MS))
    before = model.curves().chances[0]
    table = model._table
    table.silent[0] = [count * 500 for count in table.silent[0]]
    table.ordered[0] = [count * 500 for count in table.ordered[0]]
    model.learn_one(Waited(0, 0, 0, START))
    assert max(table.silent[0]) < MAX_COUNT
    assert model.curves().chances[0][:3] == pytest.approx(before[:3], abs=0.01)

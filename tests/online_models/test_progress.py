"""Models are scored before they are taught, beside baselines; drifts for the worse are told."""

from collections import Counter
from collections.abc import Sequence
from math import log
from random import Random

import pytest

from config.examples import Rewarded
from config.figures import MAX_LABELS
from config.session_log import Step
from online_models.popular import HALVE_EVERY, Popular
from online_models.progress import (
    MAX_CAMPAIGNS,
    MAX_MODELS,
    SCORED_PER_SECOND,
    K,
    NextProductProgress,
    Progress,
    Tally,
)


class Clock:
    """A clock that each look moves on."""

    def __init__(self, seconds: float) -> None:
        self.now = 0.0
        self.seconds = seconds

    def __call__(self) -> float:
        """Return the time (s)."""
        self.now += self.seconds
        return self.now


def a_walk(n_sessions: int, seed: int = 1) -> list[Step]:
    """Return sessions that go from each product to the next one."""
    rng = Random(seed)
    steps = []
    for session in range(n_sessions):
        start = rng.randrange(500)
        steps += [Step(session, f"p{start + place}", "view") for place in range(4)]
    return steps


def next_one(viewed: Sequence[str], _session: int) -> list[str]:
    return [f"p{int(viewed[0][1:]) + 1}"]


def test_who_knows_the_truth_has_all_hits_and_the_baseline_few() -> None:
    progress = NextProductProgress(Clock(1.0))
    for step in a_walk(200):
        progress.take(step, next_one)
    assert progress.tally.n == 600  # each step but the first of a session
    assert progress.tally.points == 600
    assert progress.tally.baseline < 100


def test_the_model_is_asked_about_what_the_session_saw_latest_first_before_the_step() -> None:
    asked: list[tuple[list[str], int]] = []

    def note(viewed: Sequence[str], session: int) -> list[str]:
        asked.append((list(viewed), session))
        return []

    progress = NextProductProgress(Clock(1.0))
    for product, action in (("a", "view"), ("x", "cart"), ("b", "view"), ("c", "view")):
        progress.take(Step(7, product, action), note)  # type: ignore[arg-type]
    assert asked == [(["a"], 7), (["b", "a"], 7)]


def test_scoring_takes_no_more_than_its_share() -> None:
    clock = Clock(0.0)
    progress = NextProductProgress(clock)
    for _ in range(10):
        clock.now += 1.0
        for step in a_walk(100, seed=int(clock.now)):
            progress.take(step, next_one)
    assert 0 < progress.tally.n <= 12 * SCORED_PER_SECOND


def test_a_chance_is_scored_by_its_log_loss_and_the_baseline_by_how_often_it_came() -> None:
    progress = Progress(lambda: 0.0)
    for _ in range(2_000):
        for came in (True, False, False, False):
            progress.chance("order", 0.9 if came else 0.1, came)
    numbers = progress.numbers()
    assert numbers["order points"] / numbers["order n"] == pytest.approx(-log(0.9))
    entropy = -0.25 * log(0.25) - 0.75 * log(0.75)
    assert numbers["order baseline"] / numbers["order n"] == pytest.approx(entropy, rel=0.02)
    assert numbers["order drifts"] == 0


@pytest.mark.parametrize(("before", "after", "is_told"), [(0.5, 0.3, True), (0.3, 0.5, False)])
def test_only_a_drift_for_the_worse_is_told(before: float, after: float, is_told: bool) -> None:
    rng, hits, losses = Random(1), Tally(is_loss=False), Tally(is_loss=True)
    for rate in (before, after):
        for _ in range(3_000):
            came = float(rng.random() < rate)
            hits.take(came, 0.0)
            losses.take(1.0 - came, 0.0)
    assert (hits.n_drifts > 0) is is_told
    assert (losses.n_drifts > 0) is is_told


def test_what_stays_as_it_is_raises_no_alarm() -> None:
    rng, tally = Random(2), Tally(is_loss=False)
    for _ in range(20_000):
        tally.take(float(rng.random() < 0.4), 0.0)
    assert tally.n_drifts == 0


def test_names_are_bounded() -> None:
    progress = Progress(lambda: 0.0)
    for number in range(MAX_MODELS + 50):
        for _ in range(30):
            progress.chance(f"policy:{number}", 0.5, came=True)
    for number in range(MAX_CAMPAIGNS + 50):
        name = f"c-{number}"
        progress.rewarded(
            Rewarded("", "click", "hero", name, "a", 1.0, [], False, 0, True, 1, 20.0, 5.0)
        )
    # Whoever tells of them leaves none out, and of a name all or nothing.
    for numbers in (progress.numbers(), progress.rewards()):
        assert len(numbers) == MAX_LABELS
        assert {*Counter(name.rpartition(" ")[0] for name in numbers).values()} == {4}


def test_what_campaigns_brought_is_summed() -> None:
    progress = Progress(lambda: 0.0)
    for is_clicked in (True, False):
        progress.rewarded(
            Rewarded(
                "", "click", "hero", "spring", "a", 1.0, [], False, 0, is_clicked, 1, 20.0, 5.0
            )
        )
    assert progress.rewards() == {
        "spring choices": 2.0,
        "spring clicks": 1.0,
        "spring orders": 2.0,
        "spring revenue": 40.0,
    }


def test_the_baseline_is_s_pop_within_its_bounds() -> None:
    rng, popular, counts = Random(4), Popular(), Counter[str]()
    for _ in range(HALVE_EVERY - 1):
        name = f"p{int(rng.paretovariate(0.7)) % 3000}"
        counts[name] += 1
        popular.learn_one(name)
    best = [name for name, _ in counts.most_common(K)]
    assert set(popular.best([], K)) == set(best)
    assert popular.best(["own", "own", best[0]], 3) == ["own", best[0], best[1]]
    for number in range(3 * HALVE_EVERY):
        popular.learn_one(f"new-{number}")
    assert len(popular.best([], K)) <= K
    assert len(popular._counts) < 2 * HALVE_EVERY

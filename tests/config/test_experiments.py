"""Who is in which variation: by the hash, for good, and as GrowthBook's SDKs say."""

from collections import Counter
from typing import Any

import pytest

from config.experiments import (
    HOLDOUT,
    Attribute,
    Experiment,
    Experiments,
    assign,
    growthbook_of,
)
from config.growthbook import choose_variation, hash_share
from tests.builders import read_experiments

BOTH = [{"name": "control"}, {"name": "new"}]
N_VISITORS = 20_000
# Four deviations of a share that is drawn from so many visitors, at the most.
MARGIN = 4 * 0.5 / N_VISITORS**0.5


def experiments(**fields: Any) -> Experiments:
    return read_experiments({"hero": {"variations": BOTH} | fields})


def browser(number: int) -> dict[Attribute, str]:
    return {"anonymousId": f"browser-{number}"}


def shares(of: Experiments) -> dict[str, float]:
    counts = Counter(
        variation for n in range(N_VISITORS) for _, variation in assign(of, browser(n))
    )
    return {name: count / N_VISITORS for name, count in counts.items()}


def test_assignments_are_the_hash_of_the_id_and_the_name() -> None:
    share = hash_share("hero", "browser-1", 2)
    assert share is not None
    expected = BOTH[choose_variation(share, [(0.0, 0.5), (0.5, 1.0)])]["name"]
    assert assign(experiments(), browser(1)) == [("hero", expected)]


def test_weights_and_coverage_are_kept_to() -> None:
    found = shares(experiments(weights=[0.8, 0.2], coverage=0.5))
    assert found == pytest.approx({"control": 0.4, "new": 0.1}, abs=MARGIN)


def test_a_holdout_is_taken_first_and_counted() -> None:
    found = shares(experiments(holdout=0.2, coverage=0.5))
    assert found == pytest.approx({HOLDOUT: 0.2, "control": 0.2, "new": 0.2}, abs=MARGIN)


def test_who_is_held_out_does_not_depend_on_the_variation() -> None:
    held, plain = experiments(holdout=0.2), experiments()
    of_held: Counter[str] = Counter()
    for number in range(N_VISITORS):
        [(_, before)], [(_, now)] = assign(plain, browser(number)), assign(held, browser(number))
        if now == HOLDOUT:
            of_held[before] += 1
        else:
            assert now == before
    assert of_held["new"] / of_held.total() == pytest.approx(0.5, abs=4 * 0.5 / 4_000**0.5)


def test_the_expected_shares_are_those_of_who_is_counted() -> None:
    experiment = experiments(holdout=0.2, coverage=0.5, weights=[0.75, 0.25])["hero"]
    assert experiment.expected_shares() == pytest.approx(
        {"control": 0.5, "new": 1 / 6, HOLDOUT: 1 / 3}
    )
    nobody = experiments(coverage=0.0)["hero"]
    assert nobody.expected_shares() == {"control": 0.0, "new": 0.0}


def test_parts_of_a_namespace_share_no_visitor() -> None:
    def part(start: float, end: float) -> dict[str, Any]:
        namespace = {"name": "home", "start": start, "end": end}
        return {"variations": BOTH, "namespace": namespace}

    apart = read_experiments({"first": part(0.0, 0.4), "second": part(0.4, 1.0)})
    found = Counter(tuple(name for name, _ in assign(apart, browser(n))) for n in range(N_VISITORS))
    assert found.keys() == {("first",), ("second",)}
    assert found["first",] / N_VISITORS == pytest.approx(0.4, abs=MARGIN)


def test_two_experiments_are_drawn_apart() -> None:
    both = read_experiments({"one": {"variations": BOTH}, "two": {"variations": BOTH}})
    found = Counter(
        tuple(variation for _, variation in assign(both, browser(n))) for n in range(N_VISITORS)
    )
    assert len(found) == 4
    assert all(n / N_VISITORS == pytest.approx(0.25, abs=MARGIN) for n in found.values())


def test_the_same_seed_draws_the_same() -> None:
    same = read_experiments({n: {"variations": BOTH, "seed": "s"} for n in ("one", "two")})
    for number in range(200):
        [(_, one), (_, two)] = assign(same, browser(number))
        assert one == two


def test_a_login_changes_nothing_where_the_browser_counts() -> None:
    for number in range(100):
        before = assign(experiments(), browser(number))
        assert assign(experiments(), browser(number) | {"userId": "ann"}) == before


def test_where_customers_count_a_stranger_is_in_no_variation() -> None:
    of_customers = experiments(hash_attribute="userId")
    assert assign(of_customers, browser(1)) == []
    [first, second] = [
        assign(of_customers, {"userId": "ann", "anonymousId": browser}) for browser in ("a", "b")
    ]
    assert first == second != []


@pytest.mark.parametrize("ids", [{}, {"anonymousId": ""}])
def test_nobody_is_in_no_variation(ids: dict[Attribute, str]) -> None:
    assert assign(experiments(), ids) == []


def test_what_was_shown_once_lasts() -> None:
    narrow = experiments(weights=[0.99, 0.01], coverage=0.01)
    assert assign(narrow, browser(1), {"hero": "new"}) == [("hero", "new")]
    held = experiments(holdout=0.01)
    assert assign(held, browser(1), {"hero": HOLDOUT}) == [("hero", HOLDOUT)]


@pytest.mark.parametrize("kept", ["gone", HOLDOUT])
def test_what_is_no_variation_any_more_does_not_last(kept: str) -> None:
    assert assign(experiments(), browser(1), {"hero": kept}) == assign(experiments(), browser(1))


def test_what_has_ended_assigns_nobody() -> None:
    assert assign(experiments(active=False), browser(1), {"hero": "new"}) == []


def test_sdks_are_told_all_that_assigns() -> None:
    fields = {"weights": [0.25, 0.75], "coverage": 0.5, "holdout": 0.1, "seed": "s"}
    part = {"name": "home", "start": 0.2, "end": 0.9}
    [experiment] = experiments(**fields, namespace=part, hash_attribute="userId").values()
    assert growthbook_of(experiment) == {
        "key": "hero",
        "variations": ["control", "new"],
        "meta": [{"key": "control", "name": "control"}, {"key": "new", "name": "new"}],
        "weights": [0.25, 0.75],
        "coverage": 0.5,
        "hashAttribute": "userId",
        "hashVersion": 2,
        "seed": "s",
        "active": True,
        "filters": [
            {"attribute": "userId", "seed": "__home", "hashVersion": 1, "ranges": [[0.2, 0.9]]},
            {"attribute": "userId", "seed": "s:holdout", "hashVersion": 2, "ranges": [[0.1, 1.0]]},
        ],
    }


def _as_an_sdk_does(told: dict[str, Any], value: str) -> str | None:
    """Follow https://docs.growthbook.io/lib/build-your-own for what is told."""
    for one in told.get("filters", ()):
        share = hash_share(one["seed"], value, one["hashVersion"])
        if share is None or not any(start <= share < end for start, end in one["ranges"]):
            return None
    share = hash_share(told["seed"], value, told["hashVersion"])
    start = 0.0
    for name, weight in zip(told["variations"], told["weights"], strict=True):
        if share is not None and start <= share < start + told["coverage"] * weight:
            return str(name)
        start += weight
    return None


def test_who_follows_what_sdks_are_told_comes_to_the_same() -> None:
    part = {"name": "home", "start": 0.1, "end": 0.8}
    of = experiments(weights=[0.3, 0.7], coverage=0.6, holdout=0.2, namespace=part)
    experiment: Experiment = of["hero"]
    for number in range(2_000):
        found = dict(assign(of, browser(number))).get("hero")
        expected = _as_an_sdk_does(growthbook_of(experiment), f"browser-{number}")
        assert expected == (None if found == HOLDOUT else found)

"""The conformance cases of GrowthBook's SDKs, all 63 that are about hashing and bucketing."""

import json
from pathlib import Path
from typing import Any

import pytest

from config.growthbook import (
    Range,
    bucket_ranges,
    choose_variation,
    equal_weights,
    fnv1a,
    hash_share,
    in_namespace,
)

CASES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "growthbook_cases.json").read_text(encoding="utf-8")
)


def test_these_are_all_cases() -> None:
    counts = {name: len(cases) for name, cases in CASES.items() if isinstance(cases, list)}
    assert counts == {
        "hash": 15,
        "getBucketRange": 13,
        "chooseVariation": 13,
        "inNamespace": 16,
        "getEqualWeights": 6,
    }


@pytest.mark.parametrize(("seed", "value", "version", "expected"), CASES["hash"])
def test_hash(seed: str, value: str, version: int, expected: float | None) -> None:
    assert hash_share(seed, value, version) == expected


@pytest.mark.parametrize(("name", "arguments", "expected"), CASES["getBucketRange"])
def test_bucket_range(name: str, arguments: Any, expected: list[list[float]]) -> None:
    found = [bound for one in bucket_ranges(*arguments) for bound in one]
    assert found == pytest.approx([bound for one in expected for bound in one]), name


@pytest.mark.parametrize(("name", "share", "ranges", "expected"), CASES["chooseVariation"])
def test_choose_variation(name: str, share: float, ranges: list[Range], expected: int) -> None:
    assert choose_variation(share, ranges) == expected, name


@pytest.mark.parametrize(("name", "value", "namespace", "expected"), CASES["inNamespace"])
def test_in_namespace(name: str, value: str, namespace: Any, expected: bool) -> None:
    assert in_namespace(value, *namespace) is expected, name


@pytest.mark.parametrize(("n_variations", "expected"), CASES["getEqualWeights"])
def test_equal_weights(n_variations: int, expected: list[float]) -> None:
    assert equal_weights(n_variations) == pytest.approx(expected)


def test_a_hash_may_go_on_from_that_of_its_beginning() -> None:
    assert fnv1a("zürich", fnv1a("seed")) == fnv1a("seedzürich")


def test_letters_beyond_the_first_plane_count_as_javascript_counts_them() -> None:
    assert fnv1a("\U0001f6d2") == fnv1a("\ud83d\uded2") != fnv1a("\ud83d")


def test_hashes_of_visitors_fill_their_range_evenly() -> None:
    """Chi-square of 100 cells, 100,000 ids: its mean is 99, and 160 is 4 deviations above."""
    cells = [0] * 100
    for number in range(100_000):
        share = hash_share("hero", f"browser-{number}", 2)
        assert share is not None
        cells[int(share * 100)] += 1
    assert sum((count - 1_000) ** 2 / 1_000 for count in cells) < 160

"""A mistake in an experiment's table is named with its place and with what is allowed."""

import re
from typing import Any

import pytest

from config.campaign_tables import InvalidTable
from config.experiment_checks import problems_of_experiments
from config.placements import Banner, Content, Placement, Products
from config.toml_lines import Path
from tests.builders import read_experiments

A, B = {"name": "a"}, {"name": "b"}
TWO = [A, B]


PLACEMENTS: dict[str, Placement] = {
    "row": Products(min_relevance=0.1),
    "other": Products(),
    "hero": Banner(content=Content(headline="Hi")),
}


def place_of(path: str) -> Path:
    parts = re.findall(r"[^.\[\]]+", f"experiments.{path}")
    return tuple(int(part) if part.isdigit() else part for part in parts)


@pytest.mark.parametrize(
    ("table", "path", "allowed"),
    [
        ({}, "hero", "missing required field `variations`"),
        ({"variations": 3}, "hero.variations", "a list of 2 to 20"),
        ({"variations": [A]}, "hero.variations", "a list of 2 to 20"),
        ({"variations": [A, {}]}, "hero.variations[1]", "missing required field `name`"),
        ({"variations": [A, {"name": "b c"}]}, "hero.variations[1].name", "64 letters"),
        ({"variations": [A, {"name": 3}]}, "hero.variations[1].name", "64 letters"),
        ({"variations": [A, A]}, "hero.variations[1].name", "each name once"),
        ({"variations": [A, {"name": "holdout"}]}, "hero.variations[1].name", "not 'holdout'"),
        (
            {"variations": [A, {"name": "b", "campaign": ["x"]}]},
            "hero.variations[1].campaign",
            "did you mean campaigns?",
        ),
        (
            {"variations": [A, {"name": "b", "strategy": {"row": "best"}}]},
            "hero.variations[1].strategy[...]",
            "'next-best', 'similar'",
        ),
        (
            {"variations": [A, {"name": "b", "policy": {"row": "best"}}]},
            "hero.variations[1].policy[...]",
            "'learned', 'random', 'first'",
        ),
        ({"variations": TWO, "wieghts": [1]}, "hero.wieghts", "did you mean weights?"),
        ({"variations": TWO, "weights": ["a", "b"]}, "hero.weights[0]", "for each variation"),
        ({"variations": TWO, "weights": [1.0]}, "hero.weights", "2 numbers above 0"),
        ({"variations": TWO, "weights": [0.0, 1.0]}, "hero.weights[0]", "2 numbers above 0"),
        ({"variations": TWO, "weights": [float("nan"), 1.0]}, "hero.weights[0]", "2 numbers"),
        ({"variations": TWO, "weights": [0.5, 0.4]}, "hero.weights", "together 0.9; allowed"),
        ({"variations": TWO, "coverage": 1.5}, "hero.coverage", "a number from 0 to 1"),
        ({"variations": TWO, "holdout": 0.6}, "hero.holdout", "a number from 0 to 0.5"),
        ({"variations": TWO, "hash_attribute": "id"}, "hero.hash_attribute", "'anonymousId', 'us"),
        ({"variations": TWO, "goal": "clicks"}, "hero.goal", "'click', 'order', 'revenue'"),
        ({"variations": TWO, "active": "no"}, "hero.active", "true or false"),
        ({"variations": TWO, "seed": "s" * 65}, "hero.seed", "at most 64 letters"),
        ({"variations": TWO, "namespace": "home"}, "hero.namespace", "start before end"),
        ({"variations": TWO, "namespace": {"name": ""}}, "hero.namespace.name", "64 letters"),
        (
            {"variations": TWO, "namespace": {"name": "n", "start": 0.5, "end": 0.5}},
            "hero.namespace",
            "start before end",
        ),
        (
            {"variations": TWO, "namespace": {"name": "n", "end": 2}},
            "hero.namespace.end",
            "a number from 0 to 1",
        ),
        (3, "hero", "a table is allowed here"),
    ],
)
def test_a_mistake_is_named(table: Any, path: str, allowed: str) -> None:
    with pytest.raises(InvalidTable) as caught:
        read_experiments({"hero": table})
    assert caught.value.path == place_of(path)
    assert allowed in caught.value.problem


@pytest.mark.parametrize("name", ["", "a\nb", "campaign:x", "ü", "x" * 65])
def test_a_name_is_bounded(name: str) -> None:
    with pytest.raises(InvalidTable, match="allowed names: 1 to 64"):
        read_experiments({name: {"variations": TWO}})


def problems(tables: dict[str, Any]) -> dict[Path, str]:
    return dict(problems_of_experiments(read_experiments(tables), PLACEMENTS, {"welcome"}))


def test_there_are_only_so_many() -> None:
    found = problems({str(n): {"variations": TWO} for n in range(101)})
    assert found == {("experiments",): "101 of them; allowed: 100"}


def _replacing(placement: str, **fields: Any) -> dict[str, Any]:
    return {"variations": [A, {"name": "b", "strategy": {placement: "similar"}}]} | fields


def test_two_that_replace_the_same_are_refused() -> None:
    found = problems({"one": _replacing("row"), "two": _replacing("row")})
    assert "in placement 'row', as experiments.one does" in found["experiments", "two"]


@pytest.mark.parametrize(
    "other",
    [
        _replacing("other"),
        _replacing("row", active=False),
        _replacing("row", namespace={"name": "n", "start": 0.5}),
    ],
)
def test_two_that_never_meet_are_not(other: dict[str, Any]) -> None:
    one = _replacing("row", namespace={"name": "n", "end": 0.5})
    assert problems({"one": one, "two": other}) == {}


def test_parts_of_a_namespace_by_other_ids_may_meet() -> None:
    one = _replacing("row", namespace={"name": "n", "end": 0.5})
    other = _replacing("row", namespace={"name": "n", "start": 0.5}, hash_attribute="userId")
    assert "do not overlap" in problems({"one": one, "two": other})["experiments", "two"]


@pytest.mark.parametrize(
    ("fields", "path", "allowed"),
    [
        ({"campaigns": ["welcome", "gone"]}, "campaigns[1]", "'gone' is no campaign; allowed: wel"),
        ({"strategy": {"hero": "trending"}}, "strategy.hero", "allowed: other, row"),
        ({"strategy": {"none": "trending"}}, "strategy.none", "allowed: other, row"),
        ({"strategy": {"row": "trending"}}, "strategy.row", "does not suit its min_relevance"),
        ({"policy": {"row": "random"}}, "policy.row", "allowed: hero"),
    ],
)
def test_a_name_that_stands_for_nothing_is_named(
    fields: dict[str, Any], path: str, allowed: str
) -> None:
    found = problems({"test": {"variations": [A, B | fields]}})
    assert allowed in found[place_of(f"test.variations[1].{path}")]


def test_names_that_stand_for_something_pass() -> None:
    fields = {"campaigns": ["welcome"], "strategy": {"row": "similar"}, "policy": {"hero": "first"}}
    assert problems({"test": {"variations": [A, B | fields]}}) == {}

"""The table of experiments in ``serving/README.md`` says all there is, and its examples work."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from config.experiments import ExperimentTable, Variation
from tests.builders import read_experiments

README = (Path(__file__).parents[2] / "serving" / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Experiments")[2].partition("###")[0]
ROWS = re.findall(r"^\| (… )?`(\w+)` \| ([^|]+) \| .+ \| (.+) \|$", SECTION, re.MULTILINE)
DEFAULTS: dict[str, object] = {"equal": (), "none": None, "the name": "", "`{}`": {}, "`[]`": ()}
TWO = [{"name": "a"}, {"name": "b"}]


def test_every_field_stands_in_the_table_in_order() -> None:
    assert tuple(n for inner, n, _, _ in ROWS if not inner) == ExperimentTable.__struct_fields__
    assert ("name", *(n for inner, n, _, _ in ROWS if inner)) == Variation.__struct_fields__


def test_the_example_works() -> None:
    [example] = re.findall(r"```toml\n(.+?)```", SECTION, re.DOTALL)
    [experiment] = read_experiments(tomllib.loads(example)["experiments"]).values()
    assert experiment.control == "control"
    assert experiment.table.goal == "margin"


@pytest.mark.parametrize(("inner", "name", "default", "example"), ROWS[1:])
def test_an_example_works_and_is_not_the_default(
    inner: str, name: str, default: str, example: str
) -> None:
    fields: dict[str, Any] = tomllib.loads(example.strip("`"))
    assert list(fields) == [name]
    variations: list[dict[str, Any]] = [TWO[0], TWO[1] | fields] if inner else TWO
    outer = {} if inner else fields
    table = read_experiments({"hero": {"variations": variations} | outer})["hero"].table
    found = getattr(table.variations[1] if inner else table, name)
    plain = read_experiments({"hero": {"variations": TWO}})["hero"].table
    own = getattr(plain.variations[1] if inner else plain, name)
    said = (
        DEFAULTS[default]
        if default in DEFAULTS
        else tomllib.loads(f"x = {default.strip('`')}")["x"]
    )
    assert own == said
    assert found != own

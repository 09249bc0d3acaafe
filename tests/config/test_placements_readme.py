"""The tables of placements in ``serving/README.md`` say all there is, and their examples work."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from config.condition_words import FIELDS
from config.placement_checks import read_placements
from config.placements import STRATEGIES, Products

README = (Path(__file__).parents[2] / "serving" / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Placements of products")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| `(\w+)` \| ([^|]+) \| .+ \| `(\w+ = .+)` \|$", SECTION, re.MULTILINE)
DEFAULTS: dict[str, set[object]] = {
    "none": {None, ""},
    "`[]`": {()},
    "as fits": {None},
    "true": {True},
    "false": {False},
}
BY_STRATEGY = {"exclude_bought_days", "explore"}  # None in the settings; the text says for which


def test_every_strategy_stands_in_the_table() -> None:
    named = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| [^|]+ \|$", SECTION, re.MULTILINE)
    assert tuple(named) == STRATEGIES


def test_every_field_stands_in_the_table_in_order() -> None:
    assert tuple(name for name, _, _ in ROWS) == Products.__struct_fields__


@pytest.mark.parametrize(("name", "default", "example"), ROWS, ids=[row[0] for row in ROWS])
def test_an_example_works_and_is_not_the_default(name: str, default: str, example: str) -> None:
    fields: dict[str, Any] = tomllib.loads(example)
    assert list(fields) == [name]
    placement = read_placements({"row": {"type": "products", "slots": 8} | fields})["row"]
    own = getattr(Products(), name)
    assert getattr(placement, name) != own
    if name in BY_STRATEGY:
        assert own is None
    else:
        said = DEFAULTS.get(default) or {tomllib.loads(f"x = {default.strip('`')}")["x"]}
        assert own in said


def test_every_field_that_a_condition_may_name_stands_in_the_table() -> None:
    for variable, fields in FIELDS.items():
        [said] = re.findall(rf"^\| `{variable}` \| (.+) \|$", SECTION, re.MULTILINE)
        assert (fields or set()) <= set(re.findall(r"`(\w+)`", said)), variable

"""``shopkeeper simulate``: figures on stdout, each key told in the README."""

import re
from pathlib import Path

import orjson
import pytest
from typer.testing import Result

from tests.shopkeeper.builders import invoked

README = Path(__file__).parents[2] / "loadtest" / "README.md"
SHORT = ["--runs", "3", "--visitors", "1000", "--power-runs", "2", "--power-visitors", "40000"]


def simulated(*arguments: str) -> Result:
    return invoked("simulate", *arguments)


def test_the_object_has_the_figures_that_the_readme_tells() -> None:
    figures = orjson.loads(simulated("experiments", *SHORT, "--lift", "0.5", "--json").stdout)
    assert (figures["runs"], figures["visitors"], figures["seed"]) == (3, 1_000, 1)
    assert figures["power"]["seen_rate"] == 1.0
    assert 0 < figures["power"]["median_visitors_until_seen"] <= 40_000
    section = README.read_text(encoding="utf-8").partition("## simulate experiments")[2]
    told = set(re.findall(r"`(\w+)`", section.partition("\n## ")[0]))
    assert {*figures, *figures["power"]} <= told


def test_figures_are_printed_a_line_each() -> None:
    printed = simulated("experiments", *SHORT).stdout
    assert "false alarm rate" in printed
    assert "median visitors until seen" in printed


@pytest.mark.parametrize("option", [["--runs", "0"], ["--lift", "3"], ["--visitors", "9"]])
def test_what_cannot_be_simulated_is_an_error(option: list[str]) -> None:
    assert simulated("experiments", *option).exit_code == 2


def test_the_command_shows_an_example() -> None:
    assert "Example: shopkeeper simulate experiments" in simulated("--help").stdout
    assert "Example: shopkeeper simulate experiments" in simulated("experiments", "--help").stdout

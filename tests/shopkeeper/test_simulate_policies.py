"""``shopkeeper simulate banners`` and ``offers``: one object with what the README says."""

import re
from pathlib import Path

import orjson
import pytest

from tests.shopkeeper.builders import invoked

README = (Path(__file__).parents[2] / "loadtest" / "README.md").read_text()


@pytest.mark.parametrize(
    ("name", "size"), [("banners", "--visits-per-phase"), ("offers", "--visits")]
)
def test_the_object_has_what_the_readme_says(name: str, size: str) -> None:
    arguments = ["simulate", name, "--seeds", "1", "--first-seed", "9", size, "2000", "--json"]
    figures = orjson.loads(invoked(*arguments).stdout)

    section = README.partition(f"## simulate {name}\n")[2].partition("\n## ")[0]
    in_short = re.findall(r"`([a-z_]*)\{([a-z]+),([a-z]+)\}([a-z_]*)`", section)
    both = {f"{start}{one}{end}" for start, *two, end in in_short for one in two}
    assert figures.keys() <= both | set(re.findall(r"`([a-z_]+)`", section))
    assert (figures["seeds"], figures["first_seed"]) == (1, 9)
    assert 0.0 < figures["share_of_best"] < 1.01

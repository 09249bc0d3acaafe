"""The tables of campaigns in ``serving/README.md`` say all there is, and their examples work."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.campaign_checks import read_campaigns
from config.campaigns import HOLDOUT_RATE, Campaign
from config.content_texts import FIELDS
from config.placements import Banner, Offer, Placement

README = (Path(__file__).parents[2] / "serving" / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Campaigns")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| `(\w+)` \| ([^|]+) \| .+ \| `(\w+ = .+)` \|$", SECTION, re.MULTILINE)
NEEDED = "\u2013"  # a dash
BY_KIND = {"goal", "time_zone", "margin_rate", "holdout_rate"}  # the text says when what
PLACEMENTS: dict[str, Placement] = {"home-hero": Banner(), "exit-offer": Offer()}


def test_every_field_stands_in_the_table_in_order() -> None:
    assert tuple(name for name, _, _ in ROWS) == Campaign.__struct_fields__


@pytest.mark.parametrize(("name", "default", "example"), ROWS, ids=[row[0] for row in ROWS])
def test_an_example_works_and_is_not_the_default(name: str, default: str, example: str) -> None:
    placement = "exit-offer" if name.endswith("_rate") or "budget" in name else "home-hero"
    segments = '[segments.gold]\nwhen = "true"\n[campaigns.x]\n'
    given = {
        "placements": f'placements = ["{placement}"]',
        "variations": "variations.a.headline = 'A'",
    }
    text = segments + "\n".join((given | {name: example}).values())
    campaign = read_campaigns(text, PLACEMENTS).campaigns["x"]
    [field] = [one for one in msgspec.structs.fields(Campaign) if one.name == name]
    if field.required:
        assert default == NEEDED
        return
    own: Any = field.default
    assert getattr(campaign, name) != own
    if default == "none":
        assert own in (None, "")
    elif name not in BY_KIND:
        assert own == (() if default == "`[]`" else tomllib.loads(f"x = {default.strip('`')}")["x"])


def test_the_default_of_the_holdout_is_said() -> None:
    assert [default for name, default, _ in ROWS if name == "holdout_rate"] == [f"{HOLDOUT_RATE}"]


def test_the_example_is_a_file_of_campaigns() -> None:
    [text] = re.findall(r"```toml\n(.+?)```", SECTION, re.DOTALL)
    campaigns = read_campaigns(text, PLACEMENTS)
    assert list(campaigns.campaigns) == ["welcome-back"]
    assert campaigns.margin_rate == campaigns.campaigns["welcome-back"].margin_rate == 0.4


def test_every_field_of_texts_stands_in_the_table() -> None:
    table = SECTION.partition("| field | what |")[2].partition("\n\n")[0]
    assert set(FIELDS) == {
        name
        for row in re.findall(r"^\| (`.+?) \|", table, re.M)
        for name in re.findall(r"\w+", row)
    }

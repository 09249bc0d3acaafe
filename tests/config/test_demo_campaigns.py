"""The ready-made campaigns of the demo shop are a good file, and the README names each."""

import tomllib
from pathlib import Path

from config.campaign_checks import read_campaigns
from config.placement_checks import read_placements

STOREFRONT = Path(__file__).parents[2] / "storefront"


def test_the_ready_made_campaigns_are_without_mistakes_and_stand_in_the_readme() -> None:
    tables = tomllib.loads((STOREFRONT / "placements.toml").read_text(encoding="utf-8"))
    text = (STOREFRONT / "campaigns.toml").read_text(encoding="utf-8")
    campaigns = read_campaigns(text, read_placements(tables["placements"])).campaigns
    readme = (STOREFRONT / "README.md").read_text(encoding="utf-8")
    named = {name for name in campaigns if not name.startswith("likes-")} | {"likes-…"}
    assert all(f"| `{name}` |" in readme for name in named)

"""``shopkeeper backtest`` and ``shopkeeper choices``: log and campaigns in, figures out."""

from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import redis
from typer.testing import CliRunner, Result

from config.errors import ShopkeeperError
from config.events import ENTRY_FIELD
from config.examples import Example, Rewarded, Touched, encode_examples
from config.keys import Keys
from online_models.choice_log import LoggedChoice, choice_of, decode_choice, encode_choice
from shopkeeper.main import create_app
from shopkeeper.project_files import write_project

CAMPAIGN = """
[campaigns.a]
placements = ["hero"]
choose = "first"
variations.good.headline = "Good"
variations.bad.headline = "Bad"
"""
FIGURES = {
    *("placement", "goal", "n_choices", "earned", "earned_interval", "gain", "gain_interval"),
    *("ipw", "self_normalised_ipw", "direct_method", "doubly_robust", "intervals"),
    *("effective_choices", "largest_weight", "unsupported", "shows_nothing", "says"),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the settings of a shop with a banner."""
    write_project(tmp_path)
    settings = tmp_path / "shopkeeper.toml"
    with settings.open("a", encoding="utf-8") as file:
        file.write('[placements.hero]\ntype = "banner"\n')
    return settings


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return choices of two variations, drawn evenly: one is clicked by 0.3, the other by 0.1."""
    rng, lines = Random(1), []
    for _ in range(3_000):
        variation = rng.choice(["good", "bad"])
        is_clicked = rng.random() < (0.3 if variation == "good" else 0.1)
        lines.append(encode_choice(choice_of(a_rewarded(variation, is_clicked))))
    path = tmp_path / "choices.jsonl"
    path.write_bytes(b"\n".join(lines))
    return path


def a_rewarded(variation: str, is_clicked: bool) -> Rewarded:
    return Rewarded(
        policy="policy:hero",
        goal="click",
        placement="hero",
        campaign="a",
        variation=variation,
        probability=0.5,
        features=[1.0, 0.0],
        is_holdout=False,
        shown_at=1_700_000_000_000,
        is_clicked=is_clicked,
        n_orders=0,
        revenue=0.0,
        margin=0.0,
        arms=["a/good", "a/bad"],
    )


def run(project: Path, *arguments: str) -> Result:
    whole = ["--config", str(project), *arguments]
    return CliRunner().invoke(create_app(whole), whole)


def backtested(project: Path, log: Path, text: str) -> Any:
    new = project.parent / "new.toml"
    new.write_text(text, encoding="utf-8")
    result = run(project, "backtest", "--campaigns", str(new), "--log", str(log), "--json")
    if isinstance(result.exception, ShopkeeperError):
        raise result.exception
    [figures] = orjson.loads(result.stdout)["placements"]
    return figures


def test_to_show_the_better_one_always_would_have_earned_more(project: Path, log: Path) -> None:
    figures = backtested(project, log, CAMPAIGN)
    assert figures.keys() == FIGURES
    assert (figures["placement"], figures["goal"], figures["n_choices"]) == ("hero", "click", 3_000)
    assert figures["earned"] == pytest.approx(0.2, abs=0.02)
    assert figures["doubly_robust"] == pytest.approx(0.3, abs=0.03)
    assert figures["gain"] == pytest.approx(figures["doubly_robust"] - figures["earned"], abs=1e-5)
    low, high = figures["gain_interval"]
    assert 0 < low < figures["gain"] < high
    assert figures["says"] == "more clicks than now"


def test_to_show_the_worse_one_would_have_earned_less(project: Path, log: Path) -> None:
    swapped = CAMPAIGN.replace("good", "x").replace("bad", "good").replace(".x.", ".bad.")
    assert swapped.index("bad") < swapped.index("good")
    assert backtested(project, log, swapped)["says"] == "less clicks than now"


def test_the_same_rule_makes_no_difference(project: Path, log: Path) -> None:
    figures = backtested(project, log, CAMPAIGN.replace('choose = "first"', ""))
    assert figures["gain"] == pytest.approx(0.0, abs=0.01)
    assert figures["says"] == "no difference in clicks can be shown"


def test_what_shows_nothing_is_not_clicked(project: Path, log: Path) -> None:
    figures = backtested(project, log, CAMPAIGN + "ends = 2020-01-01T00:00:00Z\n")
    assert (figures["shows_nothing"], figures["doubly_robust"]) == (1.0, 0.0)
    assert figures["unsupported"] == 0.0


def test_what_was_never_shown_cannot_be_told(project: Path, log: Path) -> None:
    new = CAMPAIGN.replace("campaigns.a", "campaigns.new")
    figures = backtested(project, log, new)
    assert figures["unsupported"] == 1.0
    assert figures["says"].startswith("cannot be told: 100% of the time it would show")


def test_few_choices_tell_nothing(project: Path, tmp_path: Path) -> None:
    log = tmp_path / "few.jsonl"
    log.write_bytes(encode_choice(choice_of(a_rewarded("good", True))))
    figures = backtested(project, log, CAMPAIGN)
    assert figures["says"].startswith("cannot be told: the log has as much to say as 1 choices")


def test_mistakes_in_campaigns_and_an_empty_log_are_told(project: Path, log: Path) -> None:
    with pytest.raises(ShopkeeperError, match=r"new.toml: line 3: .*campaigns check"):
        backtested(project, log, CAMPAIGN.replace("hero", "nowhere"))
    log.write_bytes(b"\n")
    with pytest.raises(ShopkeeperError, match="holds no choice of a campaign"):
        backtested(project, log, CAMPAIGN)
    log.unlink()
    with pytest.raises(ShopkeeperError, match=r"holds no .*jsonl; `shopkeeper choices` writes one"):
        backtested(project, log.parent, CAMPAIGN)


def test_choices_of_a_shop_are_written_and_read(
    project: Path, redis_client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPKEEPER_REDIS_URL", redis_url)
    other = Touched("boots", "view", 1, 2)
    for shard, n_entries in ((0, 1), (63, 1_003)):
        for number in range(n_entries):
            examples: list[Example] = [
                other,
                a_rewarded("good" if number % 2 else "bad", number % 2 == 0),
            ]
            redis_client.xadd(
                Keys("shop").examples(shard), {ENTRY_FIELD: encode_examples(examples)}
            )
    out = project.parent / "written.jsonl"

    result = run(project, "choices", "--out", str(out))

    assert result.exception is None, result.exception
    written: list[LoggedChoice] = [decode_choice(line) for line in out.read_bytes().splitlines()]
    assert len(written) == 1_004
    assert written[0] == choice_of(a_rewarded("bad", True))
    straight = run(project, "backtest", "--campaigns", str(campaigns(project)), "--json").stdout
    filed = run(
        project, "backtest", "--campaigns", str(campaigns(project)), "--log", str(out), "--json"
    ).stdout
    assert straight == filed


def campaigns(project: Path) -> Path:
    path = project.parent / "new.toml"
    path.write_text(CAMPAIGN, encoding="utf-8")
    return path


def test_the_readme_says_what_each_key_is() -> None:
    readme = Path(__file__).parents[2] / "online_models" / "README.md"
    told = readme.read_text(encoding="utf-8").partition("# What another policy would have")[2]
    assert [key for key in sorted(FIGURES) if f"`{key}`" not in told] == []

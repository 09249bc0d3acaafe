"""``shopkeeper eval policy``: the Open Bandit format and our own log; what is wrong is told."""

import os
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import orjson
import pytest
from typer.testing import Result

from config.errors import ShopkeeperError
from online_models.choice_log import LoggedChoice, encode_choice
from shopkeeper.open_bandit import thompson_chances
from tests.shopkeeper.builders import invoked

FIGURES = {
    *("ipw", "self_normalised_ipw", "direct_method", "doubly_robust", "intervals"),
    *("effective_choices", "largest_weight", "unsupported"),
}
OPEN_BANDIT = {"on_policy", "relative_errors", "n_choices", "n_slates", "campaign", "seed"}
OWN_LOG = {"n_choices", "on_policy", "on_policy_interval", "n_holdout", "holdout", "values"}
HEADER = ",timestamp,item_id,position,click,propensity_score"
N_ITEMS = 5


def evaluated(*arguments: str) -> Result:
    return invoked("eval", "policy", *arguments)


def figures_of(*arguments: str) -> Any:
    return orjson.loads(evaluated(*arguments, "--json").stdout)


def refusal_of(*arguments: str) -> str:
    error = evaluated(*arguments).exception
    assert isinstance(error, ShopkeeperError)
    return str(error)


@pytest.fixture
def bandit(tmp_path: Path) -> Path:
    """Return slots drawn evenly; item 3 is clicked by 0.5 and the prior knows it, others by 0.1."""
    rng = Random(1)
    (tmp_path / "prior_bts.yaml").write_text(
        "all:\n  alpha: [1, 1, 1, 500, 1]\n  beta: [9, 9, 9, 500, 9]\n"
    )
    for behaviour in ("random", "bts"):
        lines = [HEADER]
        for number in range(3_000):
            item = rng.randrange(N_ITEMS) if behaviour == "random" else 3
            click = int(rng.random() < (0.5 if item == 3 else 0.1))
            lines.append(f"{number},today,{item},{number % 3 + 1},{click},0.2")
        folder = tmp_path / behaviour / "all"
        folder.mkdir(parents=True)
        (folder / "all.csv").write_text("\n".join(lines))
    return tmp_path


def test_open_bandit_values_thompson_sampling_beside_its_own_clicks(bandit: Path) -> None:
    """Item 3 comes first nearly always, so a third of the slots has 0.5, the others 0.1."""
    figures = figures_of(str(bandit), "--slates", "5000")
    assert figures.keys() == FIGURES | OPEN_BANDIT
    for name in ("ipw", "self_normalised_ipw", "direct_method", "doubly_robust"):
        assert figures[name] == pytest.approx(0.7 / 3, abs=0.03)
        low, high = figures["intervals"][name]
        assert low < figures[name] < high
    assert figures["on_policy"] == pytest.approx(0.5, abs=0.03)
    assert (figures["n_choices"], figures["n_slates"], figures["seed"]) == (3_000, 5_000, 0)


def test_chances_of_slates_are_chances_at_each_position() -> None:
    chances = thompson_chances(np.array([1.0, 1.0, 1.0, 50.0]), np.full(4, 1.0), 20_000, seed=1)
    assert chances.sum(axis=1) == pytest.approx([1.0, 1.0, 1.0])
    assert chances.sum(axis=0).max() <= 1.0  # no item twice in a slate
    # The larger of three evenly drawn numbers is above a Beta(50, 1) with 3 / 53.
    assert chances[0, 3] == pytest.approx(50 / 53, abs=0.01)
    assert chances[0, :3] == pytest.approx([1 / 53] * 3, abs=0.005)


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("prior_bts.yaml", None, "prior_bts.yaml is missing: the Beta priors"),
        ("prior_bts.yaml", "men: {}", "no alpha and beta of 'all'"),
        ("prior_bts.yaml", "[", "no alpha and beta of 'all'"),
        ("prior_bts.yaml", "all: {alpha: [1, 2, 3], beta: [1, 2, 0]}", "must be as many, above 0"),
        ("random/all/all.csv", "a,b\n1,2", "has no column 'item_id'"),
        ("random/all/all.csv", f"{HEADER}\n0,today,x,1,0,0.2", "line 2: four numbers are needed"),
        ("random/all/all.csv", f"{HEADER}\n0,today", "line 2: 6 fields are needed"),
        ("random/all/all.csv", f"{HEADER}\n0,t,7,1,0,0.2", "item_id is not among the 5"),
        ("random/all/all.csv", f"{HEADER}\n0,t,1,4,0,0.2", "position is not from 1 to 3"),
        ("random/all/all.csv", f"{HEADER}\n0,t,1,1,0,0", "chance of a logged choice"),
        ("random/all/all.csv", HEADER, "no choice is logged"),
    ],
)
def test_what_is_wrong_with_an_open_bandit_folder_is_told(
    bandit: Path, file: str, text: str | None, expected: str
) -> None:
    if text is None:
        (bandit / file).unlink()
    else:
        (bandit / file).write_text(text)
    assert expected in refusal_of(str(bandit))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return choices of our own: "a/1" is worth 2, "a/2" and nothing 1; drawn evenly."""
    rng, lines = Random(1), []
    for _ in range(600):
        arm = rng.choice(["", "a/1", "a/2"])
        choice = LoggedChoice(
            policy="policy:hero",
            placement="hero",
            arm=arm,
            probability=1 / 3,
            reward=rng.gauss(2.0 if arm == "a/1" else 1.0, 0.1),
            features=[rng.random(), 1.0],
        )
        lines.append(encode_choice(choice))
    held_out = LoggedChoice(
        policy="policy:hero", placement="hero", arm="", probability=1.0, reward=0.5,
        is_holdout=True,
    )  # fmt: skip
    (tmp_path / "choices.jsonl").write_bytes(b"\n".join([*lines, b"", encode_choice(held_out)]))
    return tmp_path


def test_our_log_values_simple_policies_beside_the_one_that_chose(log: Path) -> None:
    figures = figures_of(str(log))
    [[name, hero]] = figures["policies"].items()
    assert name == "policy:hero"
    assert hero.keys() == OWN_LOG
    assert (hero["n_choices"], hero["n_holdout"], hero["holdout"]) == (600, 1, 0.5)
    assert hero["on_policy"] == pytest.approx(4 / 3, abs=0.05)
    values = {name: value["doubly_robust"] for name, value in hero["values"].items()}
    assert values == pytest.approx(
        {"uniform": 4 / 3, "always nothing": 1.0, "always a/1": 2.0, "always a/2": 1.0}, abs=0.05
    )
    assert all(value.keys() == FIGURES for value in hero["values"].values())


def test_a_policy_that_the_log_does_not_know_is_told_with_those_it_knows(log: Path) -> None:
    assert "its policies: policy:hero" in refusal_of(str(log), "--policy", "policy:cart")


def test_a_broken_line_of_our_log_is_named(log: Path) -> None:
    (log / "more.jsonl").write_text('\n{"policy": 3}\n')
    assert "more.jsonl, line 2: this is no logged choice" in refusal_of(str(log))


def test_a_folder_without_any_log_says_what_is_needed(tmp_path: Path) -> None:
    assert "holds no log: random/all/all.csv (Open Bandit), or *.jsonl" in refusal_of(str(tmp_path))


def test_the_readme_says_what_each_key_is() -> None:
    readme = Path(__file__).parents[2] / "online_models" / "README.md"
    told = readme.read_text(encoding="utf-8").partition("# What another policy would have")[2]
    keys = sorted(FIGURES | OPEN_BANDIT | OWN_LOG | {"policies"})
    assert [key for key in keys if f"`{key}`" not in told] == []


def test_the_real_open_bandit_log_gives_the_published_figures() -> None:
    folder = os.environ.get("SHOPKEEPER_DATA")
    if not folder:
        pytest.skip("SHOPKEEPER_DATA does not name the folder with the real log")
    figures = figures_of(str(Path(folder, "bandit", "obd")))
    assert figures["on_policy"] == 0.0042
    assert figures["ipw"] == pytest.approx(0.004571, rel=0.02)
    assert figures["doubly_robust"] == pytest.approx(0.004732, rel=0.02)
    for name in ("ipw", "self_normalised_ipw", "doubly_robust"):
        low, high = figures["intervals"][name]
        assert low < figures["on_policy"] < high

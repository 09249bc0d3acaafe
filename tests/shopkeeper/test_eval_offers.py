"""``shopkeeper eval offers``: a file in Hillstrom's format in, values by inverse propensity out."""

import gzip
import os
from pathlib import Path
from random import Random

import orjson
import pytest
from typer.testing import Result

from config.errors import ShopkeeperError
from shopkeeper.offer_files import ARMS, read_customers
from tests.shopkeeper.builders import invoked

HEADER = (
    "recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,"
    "conversion,spend"
)


def a_file(folder: Path, lines: list[str]) -> Path:
    path = folder / "hillstrom.csv.gz"
    path.write_bytes(gzip.compress("\n".join([HEADER, *lines]).encode()))
    return path


def customers(n: int) -> list[str]:
    """Return customers of whom the men's e-mail moves half, the women's the other half."""
    rng, lines = Random(1), []
    for _ in range(n):
        mens, arm = rng.random() < 0.5, rng.choice(ARMS)
        suits = arm == (ARMS[0] if mens else ARMS[1])
        visit = int(rng.random() < (0.5 if suits else 0.1))
        kind = "1,0" if mens else "0,1"
        lines.append(f"3,2) x,120.5,{kind},Urban,0,Web,{arm},{visit},{visit},{20 * visit}.0")
    return lines


def evaluated(path: Path, *options: str) -> Result:
    return invoked("eval", "offers", str(path), *options, "--json")


@pytest.mark.parametrize("goal", ["visit", "spend"])
def test_who_gets_which_e_mail_earns_more_than_one_for_everyone(tmp_path: Path, goal: str) -> None:
    """The truth is 0.5 a customer and 0.3; a standard error is 0.02."""
    figures = orjson.loads(evaluated(a_file(tmp_path, customers(4_000)), "--goal", goal).stdout)
    assert figures["visits_per_customer"] == pytest.approx(0.48, abs=0.08)
    assert figures["visits_mens_to_all"] == pytest.approx(0.3, abs=0.08)
    assert figures["visits_ahead_of_mens"] > 3 * figures["visits_ahead_standard_error"]
    assert figures["spend_per_customer"] == pytest.approx(20 * figures["visits_per_customer"])
    assert 0.005 < figures["visits_standard_error"] < 0.05
    assert sum(figures["chosen"].values()) == pytest.approx(1.0)
    assert (figures["n_customers"], figures["n_valued"]) == (4_000, 2_000)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("3,x,120.5,1,0,Urban,0,Web,Billboard,0,0,0", "line 3: segment is one of Mens E-Mail"),
        ("3,x,nan,1,0,Urban,0,Web,No E-Mail,0,0,0", "line 3: history is nan"),
        ("x,x,1,1,0,Urban,0,Web,No E-Mail,0,0,0", "line 3: could not convert"),
        ("3,x,1", "line 3"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, expected: str) -> None:
    result = evaluated(a_file(tmp_path, [*customers(1), line]))
    assert expected in str(result.exception)
    assert isinstance(result.exception, ShopkeeperError)


def test_another_file_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ShopkeeperError, match="no column 'recency'"):
        list(read_customers(path))
    assert "two halves" in str(evaluated(a_file(tmp_path, customers(1))).exception)


def test_on_the_real_experiment_the_policy_is_no_worse_than_the_mens_e_mail_to_everyone() -> None:
    folder = os.environ.get("SHOPKEEPER_DATA")
    if not folder:
        pytest.skip("SHOPKEEPER_DATA names no folder with offers/hillstrom.csv.gz")
    figures = orjson.loads(evaluated(Path(folder, "offers", "hillstrom.csv.gz")).stdout)
    for name in ("visits", "spend"):
        least = figures[f"{name}_mens_to_all"] - figures[f"{name}_standard_error"]
        assert figures[f"{name}_per_customer"] >= least

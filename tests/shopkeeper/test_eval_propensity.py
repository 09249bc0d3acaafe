"""``shopkeeper eval propensity``: a file of visits in, figures out; what is wrong is told."""

import gzip
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random

import orjson
import pytest
from typer.testing import Result

from config.errors import ShopkeeperError
from shopkeeper.visit_files import read_visits
from tests.shopkeeper.builders import invoked

HEADER = "Pages,Price,Month,Revenue"
FIGURES = {
    *("auc", "average_precision", "expected_calibration_error", "log_loss"),
    *("deviation", "progressive", "predict_us", "predict_us_p99", "learn_us", "learn_us_p99"),
    *("snapshot_bytes", "n_visits", "n_with_outcome", "n_folds", "seed", "target", "without"),
    *("seconds", "machine"),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return visits of which those with many pages in November end in an order."""
    rng, lines = Random(1), [HEADER]
    for _ in range(1_200):
        pages, month = rng.randrange(30), rng.choice(["Nov", "May"])
        is_order = pages > 20 and month == "Nov" and rng.random() < 0.9
        lines.append(f"{pages},{rng.random():.2f},{month},{str(is_order).upper()}")
    path = tmp_path / "visits.csv.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def evaluated(*arguments: str) -> Result:
    return invoked("eval", "propensity", *arguments)


def figures_of(*arguments: str) -> dict[str, object]:
    figures: dict[str, object] = orjson.loads(evaluated(*arguments, "--json").stdout)
    return figures


def test_the_object_has_the_figures_of_folds_and_of_the_progressive_pass(file: Path) -> None:
    figures = figures_of(str(file), "--folds", "3", "--seed", "5")
    assert figures.keys() == FIGURES
    assert figures["n_visits"] == 1_200
    assert (figures["n_folds"], figures["seed"]) == (3, 5)
    assert isinstance(figures["auc"], float)
    assert figures["auc"] > 0.9
    progressive = figures["progressive"]
    assert isinstance(progressive, dict)
    assert 0.8 < progressive["auc"] < 1.0


def test_a_column_that_the_model_may_not_see_is_missed(file: Path) -> None:
    figures = figures_of(str(file), "--folds", "3", "--without", "Pages", "--without", "Month")
    assert figures["without"] == ["Pages", "Month"]
    assert isinstance(figures["auc"], float)
    assert figures["auc"] < 0.65


def test_the_text_names_the_figures(file: Path) -> None:
    printed = evaluated(str(file), "--folds", "2").stdout
    for name in ("auc", "average precision", "expected calibration error", "progressive"):
        assert name in printed


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a,b", "1,TRUE"], "has no column 'Revenue'; it has: a, b"),
        ([], "has no column 'Revenue'"),
        ([HEADER, "1,2,Nov"], "line 2: 4 fields are needed"),
        ([HEADER, f"{'9' * 200_000},2,Nov,TRUE"], "line 2: this is no CSV: field larger than"),
        ([HEADER, "1,2,Nov,FALSE", "1,2,Nov,perhaps"], "line 3: Revenue is 'perhaps'"),
        ([HEADER, "1,2,Nov,TRUE"] * 1, "1 of 1 visits with Revenue; 10 folds need"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    tmp_path: Path, lines: Sequence[str], expected: str
) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("\n".join(lines))
    error = evaluated(str(path)).exception
    assert isinstance(error, ShopkeeperError)
    assert expected in str(error)


def test_numbers_and_texts_of_a_file_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_bytes(b"\xef\xbb\xbfPages,Month,Revenue\r\n3, Nov ,true\r\n\r\n1e3,,0\r\n")
    assert [tuple(visit) for visit in read_visits(path, "Revenue")] == [
        ({"Pages": 3.0, "Month": "Nov"}, True),
        ({"Pages": 1000.0, "Month": None}, False),
    ]


def test_the_readme_says_what_each_key_is() -> None:
    readme = Path(__file__).parents[2] / "online_models" / "README.md"
    told = readme.read_text(encoding="utf-8").partition("# Will this visit end in an order")[2]
    assert [key for key in sorted(FIGURES) if f"`{key}`" not in told] == []


def test_real_visits_are_foreseen_nearly_as_well_as_by_batch_learning() -> None:
    folder = os.environ.get("SHOPKEEPER_DATA")
    if not folder:
        pytest.skip("SHOPKEEPER_DATA does not name the folder with the real visits")
    path = Path(folder, "conversion", "online_shoppers_intention.csv.gz")
    figures = figures_of(str(path), "--folds", "3")
    assert isinstance(figures["auc"], float)
    assert isinstance(figures["average_precision"], float)
    assert isinstance(figures["expected_calibration_error"], float)
    assert figures["auc"] > 0.905
    assert figures["average_precision"] > 0.69
    assert figures["expected_calibration_error"] < 0.03

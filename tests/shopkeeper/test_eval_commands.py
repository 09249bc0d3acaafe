"""``shopkeeper eval next-product``: files in, figures out; what is wrong with a file is told."""

import gzip
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from typer.testing import Result

from config.errors import ShopkeeperError
from shopkeeper.session_files import read_cases, read_sessions
from tests.shopkeeper.builders import invoked

# The next in a ring of 30, from all places: any model that learns finds it.
TRAIN = [" ".join(f"p{(start + n) % 30}" for n in range(4)) for start in range(30)] * 5
TEST = ["p1 p2 p3\tp4", "p1 p2\tp3", "p1\tp2", "p7\tp8"]
FIGURES = {
    *("p_at_20", "mrr_at_20", "p_at_5", "mrr_at_5", "coverage_at_20", "learn_us", "answer_ms"),
    *("bytes_per_product", "bytes_per_session", "bytes_per_step"),
    *("n_cases", "n_train_sessions", "seconds"),
}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    train, test = tmp_path / "train.txt.gz", tmp_path / "test.tsv"
    train.write_bytes(gzip.compress("\n".join(TRAIN).encode()))
    test.write_text("\n".join(TEST) + "\n")
    return ["--train", str(train), "--test", str(test)]


def evaluated(arguments: Sequence[str]) -> Result:
    return invoked("eval", "next-product", *arguments)


@pytest.mark.parametrize("mode", ["frozen", "online"])
def test_the_object_has_the_figures_of_the_model_and_of_each_baseline(
    files: list[str], mode: str
) -> None:
    command = [sys.executable, "-m", "shopkeeper", "eval", "next-product", *files]
    options = ["--mode", mode, "--baselines", "--json"]
    figures = orjson.loads(subprocess.run([*command, *options], check=True, stdout=-1).stdout)
    assert figures.keys() == FIGURES | {"mode", "machine", "baselines"}
    assert figures["mode"] == mode
    assert figures["n_cases"] == 4
    assert figures["n_train_sessions"] == 150
    assert figures["p_at_20"] == 100.0
    assert figures["baselines"].keys() == {"s_pop", "sr", "stan"}
    for row in figures["baselines"].values():
        assert row.keys() == FIGURES
        assert row["n_cases"] == 4
    assert figures["baselines"]["sr"]["mrr_at_20"] == 100.0
    assert figures["answer_ms"].keys() == {"p50", "p99"}
    assert figures["bytes_per_step"] == 36.0


def test_the_table_names_models_and_figures(files: list[str]) -> None:
    printed = evaluated([*files, "--baselines"]).stdout
    for name in ("next product", "s_pop", "sr", "stan", "MRR@20", "bytes a session"):
        assert name in printed


def test_validation_tests_the_last_train_sessions_without_what_is_new_in_them(
    tmp_path: Path,
) -> None:
    train = tmp_path / "train.txt"
    train.write_text("\n".join([*TRAIN[:98], "p1 new p2", "new p3"]))
    arguments = ["--train", str(train), "--validate", "0.02", "--json"]
    figures = orjson.loads(evaluated(arguments).stdout)
    assert figures["n_train_sessions"] == 98
    assert figures["n_cases"] == 1  # p1, then p2
    assert figures["p_at_20"] == 100.0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "one of --test FILE and --validate SHARE is needed"),
        (["--validate", "0.001"], "leaves 150 to learn and 0 to test"),
    ],
)
def test_what_cannot_be_evaluated_is_an_error(
    files: list[str], arguments: list[str], expected: str
) -> None:
    error = evaluated([*files[:2], *arguments]).exception
    assert isinstance(error, ShopkeeperError)
    assert expected in str(error)


@pytest.mark.parametrize(
    "line", [b"p1 p2", b"\tp2", b"p1\t", b"p1\tp2 p3", b"p1\tp2\tp3", b"\xff\tp1"]
)
def test_a_broken_case_is_named_by_its_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "test.tsv"
    path.write_bytes(b"p1\tp2\n\n" + line + b"\n")
    with pytest.raises(ShopkeeperError, match=r"test\.tsv, line 3: "):
        list(read_cases(path))


def test_a_test_file_is_no_train_file(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_text("p1 p2\np1\tp2\n")
    with pytest.raises(ShopkeeperError, match=r"train\.txt, line 2: .* found a TAB"):
        list(read_sessions(path))


def test_a_file_that_is_not_there_or_cut_short_is_named(files: list[str], tmp_path: Path) -> None:
    missing = evaluated([*files[:2], "--test", str(tmp_path / "none.tsv")])
    assert missing.exit_code == 2
    Path(files[1]).write_bytes(Path(files[1]).read_bytes()[:-9])
    error = evaluated(files).exception
    assert isinstance(error, ShopkeeperError)
    assert "train.txt.gz cannot be read to its end" in str(error)


def test_windows_ends_of_lines_are_no_part_of_a_product(tmp_path: Path) -> None:
    train, test = tmp_path / "train.txt", tmp_path / "test.tsv"
    train.write_bytes(b"p1 p2\r\n")
    test.write_bytes(b"p1\tp2\r\n")
    assert list(read_sessions(train)) == [["p1", "p2"]]
    assert [case.target for case in read_cases(test)] == ["p2"]


def test_the_readme_says_what_each_key_is() -> None:
    readme = Path(__file__).parents[2] / "online_models" / "README.md"
    told = readme.read_text(encoding="utf-8").partition("## Evaluate")[2]
    assert [key for key in sorted(FIGURES | {"mode", "machine"}) if f"`{key}`" not in told] == []

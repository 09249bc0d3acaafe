import json
from pathlib import Path

import pytest

from shopkeeper.demo import write_demo_project
from shopkeeper.main import main
from shopkeeper.project_files import write_project

GOOD = '[triggers.x]\non = "event"\nevent = "visit"\nchannel = "push"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path)
    (tmp_path / "triggers.toml").write_text(GOOD, encoding="utf-8")
    return tmp_path / "shopkeeper.toml"


def triggers(project: Path, *arguments: str) -> int:
    return main(["--config", str(project), "triggers", *arguments])


def test_a_good_file_is_said_to_be_good(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert triggers(project, "check") == 0
    assert "triggers.toml: 1 triggers; nothing is wrong" in capsys.readouterr().out


def test_each_mistake_is_told_with_its_line(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = project.parent / "new.toml"
    new.write_text(GOOD + 'quite = "hold"\n[caps]\npush = 3\n', encoding="utf-8")
    assert triggers(project, "check", str(new), "--json") == 1
    told = json.loads(capsys.readouterr().out)["mistakes"]
    places = [(one["line"], one["place"]) for one in told]
    assert places == [(5, "triggers.x.quite"), (7, "caps.push")]
    assert "did you mean quiet?" in told[0]["problem"]


def test_the_list_says_what_the_triggers_of_the_demo_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_demo_project(tmp_path)
    assert triggers(tmp_path / "shopkeeper.toml", "list") == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["cart-left"].startswith(
        "30 minutes of nothing at all after 'Product Added' unless 'Order Completed', tells 'push'"
    )
    assert "with consent to marketing" in lines["price-drop"]
    assert "to anybody" in lines["checkout-stuck"]


def test_a_file_that_is_not_there_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = project.parent / "new.toml"
    assert triggers(project, "check", str(new)) == 2
    assert "new.toml" in capsys.readouterr().err

import json
from pathlib import Path

import pytest

from shopkeeper.main import main
from shopkeeper.project_files import write_project

GOOD = '[campaigns.x]\nplacements = ["hero"]\nvariations.a.headline = "A"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the settings of a shop with a banner and a campaign."""
    write_project(tmp_path)
    settings = tmp_path / "shopkeeper.toml"
    with settings.open("a", encoding="utf-8") as file:
        file.write('[placements.hero]\ntype = "banner"\n')
    (tmp_path / "campaigns.toml").write_text(GOOD, encoding="utf-8")
    return settings


def check(project: Path, *arguments: str) -> int:
    return main(["--config", str(project), "campaigns", "check", *arguments])


def test_a_good_file_is_said_to_be_good(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(project) == 0
    assert "campaigns.toml: 1 campaigns, 0 segments; nothing is wrong" in capsys.readouterr().out


def test_each_mistake_is_told_with_its_line(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = project.parent / "new.toml"
    new.write_text(GOOD + 'goal = "fame"\nplacment = 1\n[other]\n', encoding="utf-8")
    assert check(project, str(new)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{new}: line 4: campaigns.x.goal: ")
    assert lines[1].startswith(f"{new}: line 6: other: 'other' is no table of this file")


def test_mistakes_are_told_to_programs_too(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.parent / "campaigns.toml").write_text("x = 1", encoding="utf-8")
    assert check(project, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert [(one["line"], one["place"]) for one in told["mistakes"]] == [(1, "x")]


def test_bytes_that_are_no_text_are_a_mistake_too(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = project.parent / "new.toml"
    new.write_bytes(b"\n\xff")
    assert check(project, str(new)) == 1
    assert "new.toml: line 2: this is not UTF-8" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(project, str(project.parent / "new.toml")) == 2
    assert "new.toml cannot be read" in capsys.readouterr().err

import os
from pathlib import Path

import pytest

from config.errors import SettingsError
from stream.trigger_files import Files, TriggerFile
from tests.builders import DAY

GOOD = '[triggers.x]\non = "event"\nevent = "visit"\nchannel = "push"\nsegments = ["new"]\n'
CAMPAIGNS = '[segments.new]\nwhen = "user.n_orders == 0"\n'


def write(path: Path, text: str) -> None:
    """Write a file anew; its inode tells versions apart where the clock is too coarse."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


def files(folder: Path) -> TriggerFile:
    return TriggerFile(Files(folder / "triggers.toml", folder / "campaigns.toml", {}, 180 * DAY))


def test_without_a_file_there_are_no_triggers_and_no_complaint(tmp_path: Path) -> None:
    assert files(tmp_path).look() is None


def test_a_new_version_comes_into_force_and_one_with_mistakes_does_not(tmp_path: Path) -> None:
    write(tmp_path / "campaigns.toml", CAMPAIGNS)
    write(tmp_path / "triggers.toml", GOOD)
    file = files(tmp_path)
    first = file.look()
    assert first is not None
    assert list(first.rules) == ["x"]
    assert file.look() is None

    write(tmp_path / "triggers.toml", GOOD + "chanel = 1\n")
    assert file.look() is None
    write(tmp_path / "triggers.toml", GOOD.replace("triggers.x", "triggers.y"))
    second = file.look()
    assert second is not None
    assert list(second.rules) == ["y"]


def test_a_segment_that_changes_is_taken_in(tmp_path: Path) -> None:
    write(tmp_path / "campaigns.toml", CAMPAIGNS)
    write(tmp_path / "triggers.toml", GOOD)
    file = files(tmp_path)
    assert file.look() is not None
    write(tmp_path / "campaigns.toml", CAMPAIGNS.replace("== 0", "== 1"))
    changed = file.look()
    assert changed is not None
    assert [test.source for test in changed.rules["x"].segments] == ["user.n_orders == 1"]


def test_a_file_that_goes_away_leaves_the_last_version_in_force(tmp_path: Path) -> None:
    write(tmp_path / "campaigns.toml", CAMPAIGNS)
    write(tmp_path / "triggers.toml", GOOD)
    file = files(tmp_path)
    assert file.look() is not None
    (tmp_path / "triggers.toml").unlink()
    assert file.look() is None


def test_who_starts_takes_the_file_in_and_refuses_one_with_mistakes(tmp_path: Path) -> None:
    assert not files(tmp_path).load().rules
    write(tmp_path / "campaigns.toml", CAMPAIGNS)
    write(tmp_path / "triggers.toml", GOOD)
    file = files(tmp_path)
    assert list(file.load().rules) == ["x"]
    assert file.look() is None

    write(tmp_path / "triggers.toml", GOOD + "chanel = 1\n")
    with pytest.raises(SettingsError, match=r"triggers\.toml: .*line 6.*triggers check"):
        files(tmp_path).load()

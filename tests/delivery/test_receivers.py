"""Which receivers are in force while their file and their secrets change under it."""

from pathlib import Path

from delivery.receivers import ReceiverFile
from tests.delivery.builders import SECRET

FILE = """\
[receivers.tool]
url = "https://tool.example.com/"
secret_file = "tool.secret"
"""


def a_file(folder: Path) -> tuple[ReceiverFile, Path, Path]:
    """Return a file that was read once, its path, and that of the receiver's secret."""
    path, secret = folder / "triggers.toml", folder / "tool.secret"
    path.write_text(FILE, encoding="utf-8")
    secret.write_text(SECRET, encoding="utf-8")
    file = ReceiverFile(path, {})
    file.look()
    assert file.in_force is not None
    assert file.in_force["tool"].keys
    return file, path, secret


def test_a_shop_without_a_file_has_no_receivers(tmp_path: Path) -> None:
    file = ReceiverFile(tmp_path / "triggers.toml", {})
    file.look()
    assert (file.in_force, file.is_refused) == ({}, False)


def test_a_file_that_goes_for_a_moment_takes_nobody_out(tmp_path: Path) -> None:
    file, path, _ = a_file(tmp_path)
    path.unlink()
    file.look()
    assert file.is_refused
    assert file.in_force is not None
    assert list(file.in_force) == ["tool"]
    path.write_text("", encoding="utf-8")
    file.look()
    assert (file.in_force, file.is_refused) == ({}, False)


def test_a_file_that_cannot_be_read_says_nothing_of_receivers(tmp_path: Path) -> None:
    folder = tmp_path / "mounted-later"
    folder.write_text("", encoding="utf-8")
    file = ReceiverFile(folder / "triggers.toml", {})
    file.look()
    assert (file.in_force, file.is_refused) == (None, True)
    folder.unlink()
    folder.mkdir()
    (folder / "triggers.toml").write_text(FILE, encoding="utf-8")
    file.look()
    assert file.in_force is not None
    assert list(file.in_force) == ["tool"]


def test_a_secret_that_is_being_written_keeps_the_last_good_one(tmp_path: Path) -> None:
    file, path, secret = a_file(tmp_path)
    before = file.in_force
    secret.write_text("", encoding="utf-8")
    file.look()
    assert file.in_force == before
    path.write_text(FILE.replace("tool.secret", "other.secret"), encoding="utf-8")
    file.look()
    assert file.in_force is not None
    assert file.in_force["tool"].keys == ()  # nothing good was ever seen there

"""Files, environment and what is said where they are wrong."""

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import get_type_hints

import pytest

from config.errors import SettingsError
from config.settings import Settings, parse_settings, settings_tables
from shopkeeper.configuration import connected, load
from shopkeeper.main import main
from shopkeeper.project_files import MEANINGS, settings_text, write_project
from tests.shopkeeper.builders import a_project


def test_settings_file_of_init_says_exactly_the_defaults() -> None:
    assert parse_settings(tomllib.loads(settings_text()), {}) == Settings()


def test_settings_file_of_init_names_every_setting_with_its_meaning() -> None:
    fields = {
        f"{table}.{field}"
        for table, kind in settings_tables().items()
        for field in get_type_hints(kind)
    }
    assert fields == set(MEANINGS)
    written = tomllib.loads(settings_text())
    assert fields == {f"{table}.{field}" for table in written for field in written[table]}


def test_what_init_writes_can_be_loaded(tmp_path: Path) -> None:
    settings, secrets = load(a_project(tmp_path), {})
    assert secrets.write_keys[0].startswith("wk_")
    assert secrets.secret_keys[0].startswith("sk_")
    assert settings.redis.data_folder == str(tmp_path / "data")


def test_every_init_makes_another_secret(tmp_path: Path) -> None:
    _, one = load(a_project(tmp_path / "one"), {})
    _, other = load(a_project(tmp_path / "other"), {})
    assert not {one.secret, *one.write_keys, *one.secret_keys} & {
        other.secret,
        *other.write_keys,
        *other.secret_keys,
    }


def test_secrets_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_project(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "secrets.toml").stat().st_mode) == 0o600


def test_init_overwrites_nothing_unasked(tmp_path: Path) -> None:
    path = a_project(tmp_path, port="9000")
    with pytest.raises(SettingsError, match="is there already: --force"):
        write_project(tmp_path)
    assert "port = 9000" in path.read_text()


def test_init_by_force_renews_the_settings_and_keeps_the_secret(tmp_path: Path) -> None:
    path = a_project(tmp_path, port="9000")
    secrets = (tmp_path / "secrets.toml").read_bytes()
    assert write_project(tmp_path, force=True) == [path]
    assert path.read_text() == settings_text()
    assert (tmp_path / "secrets.toml").read_bytes() == secrets


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    settings, _ = load(a_project(tmp_path, port="9000"), {"SHOPKEEPER_SERVER_PORT": "9001"})
    assert settings.server.port == 9001


def test_environment_alone_is_enough(tmp_path: Path) -> None:
    environ = {
        "SHOPKEEPER_SECRET": "0" * 64,
        "SHOPKEEPER_WRITE_KEYS": "wk_a, wk_b",
        "SHOPKEEPER_SECRET_KEYS": "sk_a",
        "SHOPKEEPER_REDIS_URL": "redis://db:6379",
    }
    settings, secrets = load(tmp_path / "shopkeeper.toml", environ)
    assert connected(settings).redis.url == "redis://db:6379"
    assert secrets.write_keys == ("wk_a", "wk_b")


def test_embedded_redis_has_its_address_in_the_data_folder(short_folder: Path) -> None:
    settings, _ = load(a_project(short_folder), {})
    assert connected(settings).redis.url == f"unix://{short_folder}/data/redis.sock"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server\nport = 1", r"shopkeeper\.toml is not TOML: .*line 1"),
        ("[server]\nprt = 1", r"\[server\] prt is no setting \(did you mean port\?\); allowed: "),
        ("[server]\nport = 70000", r"\[server\] port: .*allowed: a whole number >= 0 and <= 65535"),
        ('[redis]\ndurability = "some"', r"durability: .*allowed: 'strict', 'everysec'"),
        ("[sever]\nport = 1", r"sever is no setting \(did you mean server\?\)"),
    ],
)
def test_wrong_setting_is_named_with_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    path = a_project(tmp_path)
    path.write_text(text)
    with pytest.raises(SettingsError, match=said):
        load(path, {})


def test_missing_file_says_which_command_writes_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"is missing: `shopkeeper init` writes it"):
        load(tmp_path / "shopkeeper.toml", {})


def test_wrong_secret_is_not_shown(tmp_path: Path) -> None:
    path = a_project(tmp_path)
    (tmp_path / "secrets.toml").write_text(
        'secret = "hunter2"\nwrite_keys = ["a"]\nsecret_keys = ["b"]\n'
    )
    with pytest.raises(SettingsError, match="secret") as caught:
        load(path, {})
    assert "hunter2" not in str(caught.value)


def test_command_says_an_error_in_one_line_and_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_project(tmp_path, port='"high"')
    assert main(["--config", str(path), "doctor"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert "[server] port" in told.err
    assert told.err.count("\n") == 1


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    commands = re.findall(r"(?m)^│ ([a-z]+) ", capsys.readouterr().out)
    assert {"init", "up", "serve", "work", "redis", "inspect", "doctor", "demo"} <= set(commands)
    assert {"replay", "bench", "chaos", "catalog"} <= set(commands)
    parts = [
        "inspect user",
        "inspect shard",
        "catalog import",
        "bench stream",
        "bench append",
        "bench memory",
    ]
    for command in [*commands, *parts]:
        assert main([*command.split(), "--help"]) == 0
        assert "Example: " in capsys.readouterr().out, command

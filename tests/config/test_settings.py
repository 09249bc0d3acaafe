from typing import Any

import pytest

from config.errors import SettingsError
from config.settings import Settings, parse_secrets, parse_settings

SECRETS = {"secret": "ab" * 32, "write_keys": ["w"], "secret_keys": ["s"]}


def test_without_a_file_and_environment_the_defaults_hold() -> None:
    assert parse_settings({}, {"HOME": "/root"}) == Settings()


def test_the_environment_wins_over_the_file() -> None:
    settings = parse_settings(
        {"server": {"port": 1, "host": "::1"}},
        {"SHOPKEEPER_SERVER_PORT": "2", "SHOPKEEPER_SERVER_CORS_ORIGINS": "https://a, https://b"},
    )

    assert (settings.server.port, settings.server.host) == (2, "::1")
    assert settings.server.cors_origins == ("https://a", "https://b")


@pytest.mark.parametrize(
    ("tables", "environ", "message"),
    [
        ({"server": {"prt": 1}}, {}, r"\[server\] prt is no setting \(did you mean port\?\)"),
        ({"server": {"port": -1}}, {}, r"\[server\] port: .*allowed: a whole number >= 0 and"),
        ({"srver": {}}, {}, r"srver is no setting \(did you mean server\?\)"),
        ({"server": 1}, {}, "server: Expected `object`"),
        ({"redis": {"durability": "x"}}, {}, r"durability: .*allowed: 'strict', 'everysec'"),
        ({"shop": {"namespace": "A B"}}, {}, r"\[shop\] namespace: "),
        ({}, {"SHOPKEEPER_SERVER_PRT": "1"}, "did you mean SHOPKEEPER_SERVER_PORT"),
        ({}, {"SHOPKEEPER_SERVER_PORT": "many"}, "SHOPKEEPER_SERVER_PORT='many'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(
    tables: dict[str, Any], environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_settings(tables, environ)


def test_secrets_come_from_the_file_or_the_environment() -> None:
    secrets = parse_secrets(SECRETS, {"SHOPKEEPER_WRITE_KEYS": "a,b"})

    assert secrets.write_keys == ("a", "b")
    assert secrets.secret_keys == ("s",)


def test_a_wrong_secret_is_named_and_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_secrets({**SECRETS, "secret": "hunter2"}, {})

    assert "secret" in str(caught.value)
    assert "hunter2" not in str(caught.value)

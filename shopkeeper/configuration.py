"""Reads settings and secrets from their files and the environment; nothing else does."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from config.errors import SettingsError
from config.keys import Ids
from config.settings import Secrets, Settings, parse_secrets, parse_settings
from shopkeeper.embedded import redis_url

DEFAULT_CONFIG = Path("shopkeeper.toml")


def load(
    config_path: Path = DEFAULT_CONFIG, environ: Mapping[str, str] = os.environ
) -> tuple[Settings, Secrets]:
    """Return the settings and secrets; relative paths in the file start at its folder.

    A missing file is all right where the environment carries the secret, as in a container.

    Raises:
        SettingsError: a file is missing or malformed, or a setting is wrong.
    """
    from_environment = "SHOPKEEPER_SECRET" in environ
    tables = _read(config_path, optional=from_environment)
    try:
        settings = parse_settings(tables, environ)
    except SettingsError as error:
        raise SettingsError(f"{config_path}: {error}") from error
    folder = config_path.absolute().parent
    settings = replace(
        settings,
        shop=replace(settings.shop, secrets_file=str(folder / settings.shop.secrets_file)),
        redis=replace(settings.redis, data_folder=str(folder / settings.redis.data_folder)),
        decision=replace(
            settings.decision, campaigns_file=str(folder / settings.decision.campaigns_file)
        ),
        delivery=replace(
            settings.delivery, triggers_file=str(folder / settings.delivery.triggers_file)
        ),
    )
    secrets_path = Path(settings.shop.secrets_file)
    table = _read(secrets_path, optional=from_environment)
    try:
        return settings, parse_secrets(table, environ)
    except SettingsError as error:
        raise SettingsError(f"{secrets_path}: {error}") from error


def connected(settings: Settings) -> Settings:
    """Return the settings with the address of the embedded Redis where none is set."""
    return replace(settings, redis=replace(settings.redis, url=redis_url(settings.redis)))


def ids_of(settings: Settings, secrets: Secrets) -> Ids:
    """Return what names users with these settings."""
    return Ids(bytes.fromhex(secrets.secret), settings.redis.shards)


def _read(path: Path, *, optional: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if optional:
            return {}
        raise SettingsError(
            f"{path} is missing: `shopkeeper init` writes it, --config names another"
        ) from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error

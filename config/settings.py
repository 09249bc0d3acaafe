"""Settings of all processes, from the tables of ``shopkeeper.toml`` and the environment.

Reading files and the environment is the command's business; here they come in as mappings.
``[server] port`` is ``SHOPKEEPER_SERVER_PORT`` in the environment, and the environment wins.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from config.errors import SettingsError
from config.placement_checks import read_placements
from config.placements import Placement, Products

ENV_PREFIX = "SHOPKEEPER_"
_T = TypeVar("_T")
_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]*)`")
NOT_SETTINGS = frozenset({"SHOPKEEPER_CONFIG", "SHOPKEEPER_DATA"})

Positive = Annotated[int, msgspec.Meta(ge=1)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the settings file."""


class ShopSettings(_Table, frozen=True):
    """``[shop]``: the name in front of all keys, and what the secrets are."""

    namespace: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")] = "shop"
    secrets_file: str = "secrets.toml"


class RedisSettings(_Table, frozen=True):
    """``[redis]``: where the data lies. Without ``url`` an embedded Redis is started."""

    url: str = ""
    data_folder: str = "data"
    durability: Literal["strict", "everysec"] = "everysec"
    max_memory_mb: Annotated[int, msgspec.Meta(ge=32)] = 1024
    shards: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 64


class ServerSettings(_Table, frozen=True):
    """``[server]``: the HTTP side. Port 0 takes a free one; ``metrics_port`` 0 is none."""

    host: str = "127.0.0.1"
    port: Port = 8700
    processes: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    metrics_port: Port = 0
    cors_origins: tuple[str, ...] = ("*",)


class CollectSettings(_Table, frozen=True):
    """``[collect]``: what is taken in; limits are events a second, and ten times that at once."""

    key_events_per_second: Positive = 20_000
    user_events_per_second: Positive = 50
    consent_required: bool = False
    consent_category: str = "personalization"


class WorkerSettings(_Table, frozen=True):
    """``[worker]``: the stream side. ``metrics_port`` 0 takes a free one."""

    processes: Annotated[int, msgspec.Meta(ge=0, le=64)] = 1
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 0
    cached_users: Positive = 50_000


class ProfileSettings(_Table, frozen=True):
    """``[profile]``: how long things are remembered."""

    session_gap_seconds: Positive = 30 * 60
    user_retention_days: Positive = 180
    log_age_hours: Annotated[float, msgspec.Meta(gt=0)] = 6.0


class LearnerSettings(_Table, frozen=True):
    """``[learner]``: the side that learns models from the examples of all shards.

    ``indexed_steps`` of visitors, the last ones, are what suggestions come from: a power of two.
    """

    processes: Annotated[int, msgspec.Meta(ge=0, le=16)] = 1
    indexed_steps: Literal[131072, 262144, 524288, 1048576, 2097152] = 1048576
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 0


class DecisionSettings(_Table, frozen=True):
    """``[decision]``: how long a decision may wait for Redis before it answers without.

    ``campaigns_file`` is looked at again and again, and need not be there.
    """

    cutoff_ms: Annotated[int, msgspec.Meta(ge=5, le=1000)] = 50
    log_decisions: bool = True
    campaigns_file: str = "campaigns.toml"


class DeliverySettings(_Table, frozen=True):
    """``[delivery]``: who is told of triggers, and by whom.

    ``triggers_file`` is looked at again and again, and need not be there.
    """

    triggers_file: str = "triggers.toml"


class Secrets(_Table, frozen=True):
    """``secrets.toml``: never in the repository, readable by the owner alone.

    ``secret`` is 64 hex digits and fixed at creation; write keys are public, secret keys are not.
    """

    secret: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    write_keys: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    secret_keys: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


DEFAULT_PLACEMENTS: dict[str, Placement] = {
    "next-best": Products(),
    "trending": Products(strategy="trending"),
}


class Settings(_Table, frozen=True):
    """Everything of ``shopkeeper.toml``; each table has defaults."""

    shop: ShopSettings = ShopSettings()
    redis: RedisSettings = RedisSettings()
    server: ServerSettings = ServerSettings()
    collect: CollectSettings = CollectSettings()
    worker: WorkerSettings = WorkerSettings()
    profile: ProfileSettings = ProfileSettings()
    learner: LearnerSettings = LearnerSettings()
    decision: DecisionSettings = DecisionSettings()
    delivery: DeliverySettings = DeliverySettings()
    placements: dict[str, Placement] = msgspec.field(
        default_factory=lambda: dict(DEFAULT_PLACEMENTS)
    )


def parse_settings(tables: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Return the settings that a parsed TOML file and the environment together give.

    >>> parse_settings({}, {"SHOPKEEPER_SERVER_PORT": "9000"}).server.port
    9000

    Raises:
        SettingsError: a name or value is wrong; the text says which, and what is allowed.
    """
    names = [n for n in environ if n.startswith(ENV_PREFIX) and n not in NOT_SETTINGS]
    own = [n for n in names if n not in _SECRET_ENV]
    plain = {name: table for name, table in tables.items() if name != "placements"}
    settings = _convert(Settings, _with_environment(plain, {n: environ[n] for n in own}))
    if "placements" not in tables:
        return settings
    return msgspec.structs.replace(settings, placements=read_placements(tables["placements"]))


def parse_secrets(table: Mapping[str, Any], environ: Mapping[str, str]) -> Secrets:
    """Return the secrets; ``SHOPKEEPER_SECRET``, ``…_WRITE_KEYS``, ``…_SECRET_KEYS`` win.

    Raises:
        SettingsError: something is missing or malformed; the value itself is never shown.
    """
    merged: dict[str, Any] = dict(table)
    for name, field in _SECRET_ENV.items():
        if name in environ:
            merged[field] = environ[name] if field == "secret" else _split(environ[name])
    return _convert(Secrets, merged)


_SECRET_ENV = {
    "SHOPKEEPER_SECRET": "secret",
    "SHOPKEEPER_WRITE_KEYS": "write_keys",
    "SHOPKEEPER_SECRET_KEYS": "secret_keys",
}


def _with_environment(tables: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    merged = {
        name: dict(table) if isinstance(table, dict) else table for name, table in tables.items()
    }
    known = {
        f"{ENV_PREFIX}{table}_{field}".upper(): (table, field, hint)
        for table, kind in settings_tables().items()
        for field, hint in get_type_hints(kind, include_extras=True).items()
    }
    for name, text in environ.items():
        if name not in known:
            raise SettingsError(f"environment: {name} is no setting{_nearest(name, known)}")
        table, field, hint = known[name]
        values = merged.setdefault(table, {})
        if isinstance(values, dict):
            values[field] = _read_text(name, text, hint)
    return merged


def _read_text(name: str, text: str, hint: Any) -> object:
    wanted = _split(text) if _is_tuple(hint) else text
    try:
        return msgspec.convert(wanted, hint, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"environment: {name}={text!r}: {error}; {allowed_values(hint)}"
        ) from error


def _convert(kind: type[_T], tables: Mapping[str, Any]) -> _T:
    try:
        return msgspec.convert(tables, kind)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(kind, str(error))) from error


def _explain(kind: type, message: str) -> str:
    """Say a msgspec error in the words of the file: ``[server] prt: …, allowed: …``."""
    what, _, where = message.partition(" - at `$.")
    table, _, field = where.rstrip("`").partition(".")
    hints = get_type_hints(kind, include_extras=True)
    unknown = _UNKNOWN_FIELD.search(what)
    if unknown:
        fields = get_type_hints(hints[table]) if table else hints
        place = f"[{table}] " if table else ""
        name = unknown.group(1)
        return f"{place}{name} is no setting{_nearest(name, fields)}; allowed: {', '.join(fields)}"
    if not field:
        return f"{table}: {what}" if table else what
    hint = get_type_hints(hints[table], include_extras=True).get(field.partition("[")[0])
    return f"[{table}] {field}: {what}; {allowed_values(hint)}"


def settings_tables() -> dict[str, type]:
    """Return the tables of plain settings by name; placements, which a shop names, left out."""
    hints = get_type_hints(Settings)
    return {
        name: kind
        for name, kind in hints.items()
        if isinstance(kind, type) and issubclass(kind, _Table)
    }


def allowed_values(hint: Any) -> str:
    """Return what a field of a table may be, from its type hint.

    >>> allowed_values(Port)
    'allowed: a whole number >= 0 and <= 65535'
    """
    if get_origin(hint) is Annotated:
        kind, meta = get_args(hint)[0], get_args(hint)[1]
        bounds = [
            f"{sign} {bound}"
            for sign, bound in ((">=", meta.ge), (">", meta.gt), ("<=", meta.le))
            if bound is not None
        ]
        if meta.pattern:
            return f"allowed: text like {meta.pattern}"
        return f"allowed: {_kind_name(kind)} {' and '.join(bounds)}".rstrip()
    if get_origin(hint) is Literal:
        return "allowed: " + ", ".join(repr(choice) for choice in get_args(hint))
    return f"allowed: {_kind_name(hint)}"


def _kind_name(hint: Any) -> str:
    if _is_tuple(hint):
        return "a list of texts"
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}.get(
        hint, str(hint)
    )


def _is_tuple(hint: Any) -> bool:
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return get_origin(bare) is tuple


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _nearest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""

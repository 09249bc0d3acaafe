"""What ``init`` writes: a commented ``shopkeeper.toml`` and ``secrets.toml``."""

import json
import os
import secrets as randomness
from pathlib import Path
from typing import Any, get_type_hints

from config.errors import SettingsError
from config.settings import ENV_PREFIX, Settings, allowed_values, settings_tables

MEANINGS = {
    "shop.namespace": "In front of every Redis key; two shops on one Redis need two of them.",
    "shop.secrets_file": "File of the secret and the keys; relative to this file.",
    "redis.url": "A running Redis >= 7.0, such as redis://host:6379/0. Empty: an embedded one.",
    "redis.data_folder": "Where the embedded Redis keeps its data; relative to this file.",
    "redis.durability": "strict: a killed Redis loses nothing (slower); everysec: up to 2 s.",
    "redis.max_memory_mb": "Memory of the embedded Redis. From 80 % on, collect answers 503.",
    "redis.shards": "Fixed at creation: users are spread over so many logs.",
    "server.host": "Address to listen on; 0.0.0.0 for all.",
    "server.port": "Port to listen on; 0 takes a free one.",
    "server.processes": "Server processes that `up` starts; they share the port.",
    "server.metrics_port": "Each process' own /metrics; a second one takes the next port. 0: none.",
    "server.cors_origins": 'Web origins that may send events, such as "https://shop.example".',
    "collect.key_events_per_second": "Limit per key; ten times that at once.",
    "collect.user_events_per_second": "Limit per user; ten times that at once.",
    "collect.consent_required": "Whether an event that says nothing of consent counts as refused.",
    "collect.consent_category": "Name in context.consent.categoryPreferences that is looked at.",
    "worker.processes": "Workers that `up` starts.",
    "worker.metrics_host": "Address of a worker's /metrics; 0.0.0.0 for all.",
    "worker.metrics_port": "Port of /metrics; a second worker takes the next one. 0: a free one.",
    "worker.cached_users": "Users that a worker keeps in memory.",
    "profile.session_gap_seconds": "A session ends after so long without an event.",
    "profile.user_retention_days": "A user who is not seen for so long is forgotten.",
    "learner.processes": "Learners that `up` starts.",
    "learner.indexed_steps": "steps of visitors that suggestions come from: the last so many",
    "learner.metrics_host": "Address of a learner's /metrics; 0.0.0.0 for all.",
    "learner.metrics_port": "Port of a learner's /metrics; 0: a free one.",
    "decision.cutoff_ms": "A decision waits no longer for Redis; then it answers without it.",
    "decision.log_decisions": "Whether decisions go into the event log.",
    "decision.campaigns_file": "Campaigns; relative to this file, read again when it changes.",
    "delivery.triggers_file": "Triggers; relative to this file, read again when it changes.",
    "profile.log_age_hours": "How long the event log is kept once it is applied.",
}

_SECRETS_FILE = """\
# Secrets of this shop. Keep this file out of the repository, and keep a copy of it: without
# the secret no id leads to its data any more.

# Fixed at creation: names every user's data.
secret = "{secret}"

# Public: in the shop's pages and apps. It may only send events.
write_keys = ["wk_{write_key}"]

# Never public: reads and erases users, imports events with times of their own.
secret_keys = ["sk_{secret_key}"]
"""


def settings_text() -> str:
    """Return a ``shopkeeper.toml`` of all settings: meaning, what is allowed, default."""
    lines = [
        "# Settings of this shop. All are optional; those below are the defaults.",
        f"# In the environment: [server] port is {ENV_PREFIX}SERVER_PORT, and it wins.",
    ]
    defaults = Settings()
    for table, kind in settings_tables().items():
        lines += ["", f"[{table}]"]
        for field, hint in get_type_hints(kind, include_extras=True).items():
            value = getattr(getattr(defaults, table), field)
            lines += [
                f"# {MEANINGS[f'{table}.{field}']}",
                f"#   {allowed_values(hint)}",
                f"{field} = {_toml(value)}",
            ]
    return "\n".join(lines) + "\n"


def write_project(folder: Path, *, force: bool = False) -> list[Path]:
    """Write both files and return those written; an existing secret is never replaced.

    Raises:
        SettingsError: there is a ``shopkeeper.toml`` and no ``force``.
    """
    settings_path, secrets_path = folder / "shopkeeper.toml", folder / "secrets.toml"
    if not force and (settings_path.exists() or secrets_path.exists()):
        there = settings_path if settings_path.exists() else secrets_path
        raise SettingsError(
            f"{there} is there already: --force writes shopkeeper.toml anew with the defaults and "
            "keeps secrets.toml, because without its secret no id leads to its data any more; "
            "for a new secret, move secrets.toml away and start with an empty Redis"
        )
    folder.mkdir(parents=True, exist_ok=True)
    settings_path.write_text(settings_text(), encoding="utf-8")
    if secrets_path.exists():
        return [settings_path]
    text = _SECRETS_FILE.format(
        secret=randomness.token_hex(32),
        write_key=randomness.token_urlsafe(18),
        secret_key=randomness.token_urlsafe(24),
    )
    descriptor = os.open(secrets_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return [settings_path, secrets_path]


def _toml(value: Any) -> str:
    """Write a default; JSON's texts, numbers, booleans and lists of texts are TOML's too."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)

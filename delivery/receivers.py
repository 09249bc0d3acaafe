"""The receivers that are in force: read from the file of triggers, again whenever it changes.

A file with mistakes changes nothing. Secrets are read from where receivers say they lie.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import structlog

from config.errors import SettingsError
from config.mistakes import InvalidFile
from config.trigger_file import read_trigger_tables
from config.webhooks import Receiver, read_receivers, unknown_triggers
from delivery.signing import read_secrets

log = structlog.get_logger()


class InForce(NamedTuple):
    """A receiver, and the keys that sign what it gets; none where its secret cannot be read."""

    receiver: Receiver
    keys: tuple[bytes, ...]


class ReceiverFile:
    """The receivers of a file; None until it could be read once."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.in_force: dict[str, InForce] | None = None
        self.is_refused = False
        self._path = path
        self._environ = environ
        self._seen: tuple[object, ...] = ()
        self._receivers: dict[str, Receiver] | None = None

    def look(self) -> None:
        """Read what has changed: the file, or a secret."""
        seen = _signature(self._path)
        if seen != self._seen:
            self._seen = seen
            self._read(is_there=seen != (None,))
        if self._receivers is not None:
            told = self.in_force or {}
            self.in_force = {
                name: InForce(receiver, self._keys(name, receiver, told.get(name)))
                for name, receiver in self._receivers.items()
            }

    def _read(self, *, is_there: bool) -> None:
        found = _receivers_in(self._path) if is_there else {}
        self.is_refused = isinstance(found, str)
        if isinstance(found, str):
            log.error("receivers_refused", file=str(self._path), mistakes=found)
        else:
            self._receivers = found
            log.info("receivers_in_force", n_receivers=len(found))

    def _keys(self, name: str, receiver: Receiver, before: InForce | None) -> tuple[bytes, ...]:
        try:
            return read_secrets(self._secret(receiver))
        except SettingsError as error:
            why = str(error)
        if before is None or before.keys or before.receiver != receiver:
            log.error("receiver_without_secret", receiver=name, why=why)
        return ()

    def _secret(self, receiver: Receiver) -> str:
        if receiver.secret_env is not None:
            value = self._environ.get(receiver.secret_env)
            if value is None:
                raise SettingsError(f"environment variable {receiver.secret_env} is not set")
            return value
        path = self._path.parent / (receiver.secret_file or "")
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"secret_file {path}: {type(error).__name__}") from error


def _receivers_in(path: Path) -> dict[str, Receiver] | str:
    """Return the receivers, or what is wrong with the file."""
    try:
        tables = read_trigger_tables(path.read_text(encoding="utf-8"))
        receivers, found = read_receivers(tables.receivers)
        tables.refuse_if(found + unknown_triggers(receivers, tables.triggers))
    except (InvalidFile, OSError, UnicodeDecodeError) as error:
        return str(error)
    return receivers


def _signature(path: Path) -> tuple[object, ...]:
    try:
        seen = path.stat()
    except OSError:
        return (None,)
    return (seen.st_mtime_ns, seen.st_size, seen.st_ino)

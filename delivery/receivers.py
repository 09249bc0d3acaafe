"""The receivers that are in force: read from the file of triggers, again whenever it changes.

A file with mistakes changes nothing, nor does one that is gone: what waits for its receivers would
be set aside. Secrets are read from where receivers say they lie; a good one stays in force too.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import structlog

from config.errors import SettingsError
from config.mistakes import InvalidFile
from config.webhooks import Receiver, receivers_of
from delivery.signing import read_secrets

_UNREAD = ("unread",)  # no signature: it is read again at the next look

log = structlog.get_logger()


class InForce(NamedTuple):
    """A receiver, and the keys that sign what it gets; none where its secret cannot be read."""

    receiver: Receiver
    keys: tuple[bytes, ...]


class ReceiverFile:
    """The receivers of a file; None until it could be read once."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.in_force: dict[str, InForce] | None = None
        self._path = path
        self._environ = environ
        self._seen: tuple[object, ...] = ()
        self._refusal = ""
        self._troubles: dict[str, str] = {}  # with secrets, by receiver
        self._receivers: dict[str, Receiver] | None = None

    def look(self) -> None:
        """Read what has changed: the file, or a secret."""
        seen = _signature(self._path)
        if seen != self._seen:
            is_first, self._seen = not self._seen, seen
            self._read(is_first=is_first)
        if self._receivers is not None:
            told = self.in_force or {}
            self.in_force = {
                name: InForce(receiver, self._keys(name, receiver, told.get(name)))
                for name, receiver in self._receivers.items()
            }

    @property
    def is_refused(self) -> bool:
        """Whether the newest file could not be read."""
        return self._refusal != ""

    def _read(self, *, is_first: bool) -> None:
        refusal, before = "", self._refusal
        try:
            self._receivers = receivers_of(self._path.read_bytes())
        except InvalidFile as error:
            refusal = str(error)
        except FileNotFoundError:
            if is_first:  # a shop without a file has no receivers
                self._receivers = {}
            else:
                refusal = "it is gone; an empty file takes all receivers out of force"
        except OSError as error:
            refusal = f"it cannot be read: {error.strerror}"
            self._seen = _UNREAD
        self._refusal = refusal
        if not refusal:
            log.info("receivers_in_force", n_receivers=len(self._receivers or ()))
        elif refusal != before:
            log.error("receivers_refused", file=str(self._path), mistakes=refusal)

    def _keys(self, name: str, receiver: Receiver, before: InForce | None) -> tuple[bytes, ...]:
        try:
            keys, why = read_secrets(self._secret(receiver)), ""
        except SettingsError as error:
            is_same = before is not None and _place(before.receiver) == _place(receiver)
            keys, why = before.keys if before and is_same else (), str(error)
        if why and why != self._troubles.get(name):
            log.error("secret_refused", receiver=name, why=why)
        self._troubles[name] = why
        return keys

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


def _place(receiver: Receiver) -> tuple[str | None, str | None]:
    """Return where a receiver's secret lies."""
    return receiver.secret_env, receiver.secret_file


def _signature(path: Path) -> tuple[object, ...]:
    try:
        seen = path.stat()
    except OSError as error:
        return (error.errno,)
    return (seen.st_mtime_ns, seen.st_size, seen.st_ino)

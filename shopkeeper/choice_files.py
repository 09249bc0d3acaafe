"""Brings the log of choices in: from files of JSON lines, or from the outboxes of a shop."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from config.errors import ShopkeeperError
from config.events import ENTRY_FIELD
from config.examples import Rewarded, decode_examples
from config.keys import Keys
from online_models.choice_log import InvalidChoice, LoggedChoice, choice_of, decode_choice
from shopkeeper.line_files import BrokenLine, lines_of

_LOGS = ("*.jsonl", "*.jsonl.gz")
_AT_ONCE = 500  # entries


def choice_logs(folder: Path) -> list[Path]:
    """Return the files of a folder that hold choices, by name."""
    return sorted(path for pattern in _LOGS for path in folder.glob(pattern))


def read_choices(path: Path) -> Iterator[LoggedChoice]:
    """Yield the choices of a file; empty lines are passed over.

    Raises:
        BrokenLine: a line is no choice.
        ShopkeeperError: the file cannot be read.
    """
    for number, line in enumerate(lines_of(path), start=1):
        if line.strip():
            try:
                yield decode_choice(line)
            except InvalidChoice as error:
                raise BrokenLine(path, number, str(error)) from error


def choices_of(path: Path) -> list[LoggedChoice]:
    """Return the choices of a file, or of all files of a folder.

    Raises:
        ShopkeeperError: there is none, or one is broken.
    """
    files = choice_logs(path) if path.is_dir() else [path]
    if not files:
        raise ShopkeeperError(f"{path} holds no *.jsonl; `shopkeeper choices` writes one")
    return [choice for file in files for choice in read_choices(file)]


def choices_in(client: redis.Redis, keys: Keys, n_shards: int) -> Iterator[LoggedChoice]:
    """Yield the choices that the outboxes of all user shards still hold, shard by shard."""
    for shard in range(n_shards):
        start = "-"
        while True:
            reply: Any = client.xrange(keys.examples(shard), min=start, count=_AT_ONCE)
            for _, fields in reply:
                for example in decode_examples(fields.get(ENTRY_FIELD, b"")):
                    if isinstance(example, Rewarded):
                        yield choice_of(example)
            if len(reply) < _AT_ONCE:
                break
            start = f"({reply[-1][0].decode()}"

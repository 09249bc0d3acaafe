"""What the load commands take in: options that they share, and event files, which are read here."""

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from config.errors import ShopkeeperError
from loadtest.formats import Format, Timed, read_events
from loadtest.workload import sample_of_users, synthetic_history

_DATA = "SHOPKEEPER_DATA"

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same load.")]
Rounds = Annotated[int, typer.Option(help="The figures are medians of so many rounds.", min=1)]


def lines_of(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked where its name ends in ``.gz``.

    Raises:
        ShopkeeperError: the file cannot be read, or is cut short.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise ShopkeeperError(f"{path} cannot be read to its end: {error}") from error


def taobao815() -> list[Timed] | None:
    """Return the events of ``taobao815``, None where ``SHOPKEEPER_DATA`` does not name them."""
    folder = os.environ.get(_DATA)
    if not folder:
        return None
    path = Path(folder, "events", "taobao815.csv.gz")
    return read_events(lines_of(path), Format.TAOBAO815).events


def history_of(n_events: int, seed: int) -> list[Timed]:
    """Return real histories where ``SHOPKEEPER_DATA`` names them, else made-up ones."""
    real = taobao815()
    return sample_of_users(real, n_events, seed) if real else synthetic_history(n_events, seed)

"""What the load commands take in: options that they share, and files of events."""

import os
from pathlib import Path
from typing import Annotated

import typer

from loadtest.formats import Format, Timed, read_events
from loadtest.workload import sample_of_users, synthetic_history
from shopkeeper.line_files import lines_of

_DATA = "SHOPKEEPER_DATA"

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same load.")]
Rounds = Annotated[int, typer.Option(help="The figures are medians of so many rounds.", min=1)]


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

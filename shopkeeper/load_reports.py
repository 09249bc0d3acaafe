"""How the load commands show what they do and what they found."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from loadtest.formats import Reading

_SHOWN_LINES = 5


def say(text: str) -> None:
    """Say how far it is, beside the figures."""
    typer.echo(text, err=True)


def report(figures: Mapping[str, Any], *, as_json: bool) -> None:
    """Print figures: one JSON object, or a line each, nested ones indented."""
    if as_json:
        typer.echo(orjson.dumps(dict(figures), option=orjson.OPT_INDENT_2))
        return
    for line in _lines(figures, ""):
        typer.echo(line)


def show_curves(curves: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Print percentile curves side by side, in ms."""
    table = Table("percentile", *(f"{name} ms" for name in curves))
    for rows in zip(*curves.values(), strict=True):
        table.add_row(f"{rows[0][0]:g}", *(f"{ms:.2f}" for _, ms in rows))
    Console().print(table)


def show_unreadable(reading: Reading) -> None:
    """Say which lines could not be read, and why."""
    if not reading.unreadable:
        return
    say(f"{len(reading.unreadable)} lines cannot be read:")
    for line, why in reading.unreadable[:_SHOWN_LINES]:
        say(f"  line {line}: {why}")
    if len(reading.unreadable) > _SHOWN_LINES:
        say("  …")


@contextmanager
def progress(what: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """Show a bar with rate and time left where someone watches; call it with how many are done."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{{task.fields[rate]}} {unit}/s"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task, began = bar.add_task(what, total=total, rate="0"), time.monotonic()

        def show(n_done: int) -> None:
            rate = n_done / max(time.monotonic() - began, 1e-9)
            bar.update(task, completed=n_done, rate=f"{rate:,.0f}")

        yield show


def _lines(figures: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in figures.items():
        label = f"{indent}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield f"{label}:"
            yield from _lines(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for number, part in enumerate(value, start=1):
                yield f"{label} {number}:"
                yield from _lines(part, indent + "  ")
        else:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            yield f"{label:<34} {value:,}" if is_number else f"{label:<34} {value}"

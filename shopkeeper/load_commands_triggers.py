"""The bench of triggers."""

from typing import Annotated

import typer

from loadtest.bench_triggers import bench_triggers
from shopkeeper.lifeline import tied
from shopkeeper.load_inputs import AsJson, Seed, taobao815
from shopkeeper.load_reports import report, say


def register(bench: typer.Typer) -> None:
    """Add the command."""
    bench.command(epilog="Example: shopkeeper bench triggers --rounds 7 --json")(triggers)


def triggers(
    events: Annotated[int, typer.Option(help="Of the made-up week.", min=100)] = 300_000,
    users: Annotated[int, typer.Option(min=1)] = 100_000,
    rounds: Annotated[int, typer.Option(help="Pairs of rounds; 0: only what fires.", min=0)] = 7,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """What twenty triggers fire in a week, against a plain oracle, and what they cost the flow.

    1 where it is not the same.
    """
    figures = bench_triggers(events, users, rounds, seed, tied, taobao815(), say)
    report(figures, as_json=as_json)
    if not figures["equal"]:
        raise typer.Exit(1)

"""The command ``eval propensity``: how well it is foreseen which visit ends in an order."""

from pathlib import Path
from typing import Annotated

import typer

from shopkeeper.evaluating_propensity import evaluate_propensity
from shopkeeper.load_inputs import AsJson
from shopkeeper.load_reports import report


def register(evals: typer.Typer) -> None:
    """Add the command."""
    evals.command(
        "propensity",
        epilog="Example: shopkeeper eval propensity online_shoppers_intention.csv.gz "
        "--without PageValues --json",
    )(propensity)


def propensity(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with a header, a visit a line, in the order of time; plain or .gz.",
            exists=True,
            dir_okay=False,
        ),
    ],
    target: Annotated[
        str, typer.Option(help="The column with the outcome, TRUE or FALSE.")
    ] = "Revenue",
    without: Annotated[
        list[str] | None, typer.Option(help="A column that the model may not see; repeatable.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Stratified folds.", min=2, max=100)] = 10,
    seed: Annotated[int, typer.Option(help="Of the folds and of the model.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """How well the served model foresees which visit ends in an order.

    Each fold's model learns the other folds in one pass, in the file's order, and is asked about
    the fold; figures are means over folds. progressive: each visit is asked about before it is
    learned.
    """
    figures = evaluate_propensity(file, target, without or [], folds, seed)
    report(figures, as_json=as_json)

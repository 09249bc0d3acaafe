"""The command ``eval policy``: what a policy would have earned, from what another one chose."""

from pathlib import Path
from typing import Annotated

import typer

from shopkeeper.evaluating_policy import evaluate_folder
from shopkeeper.load_inputs import AsJson
from shopkeeper.load_reports import report


def register(evals: typer.Typer) -> None:
    """Add the command."""
    evals.command("policy", epilog="Example: shopkeeper eval policy bandit/obd --json")(policy)


def policy(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Open Bandit Dataset with prior_bts.yaml, or *.jsonl of our own log of choices.",
            exists=True,
            file_okay=False,
        ),
    ],
    campaign: Annotated[str, typer.Option(help="Open Bandit: all, men or women.")] = "all",
    slates: Annotated[
        int, typer.Option(help="Open Bandit: simulated, for the policy's chances.", min=1_000)
    ] = 100_000,
    name: Annotated[
        str | None, typer.Option("--policy", help="Our log: this policy's choices only.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of slates, folds and bootstrap.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """What a policy would have earned a choice, by four estimators with 95 % intervals.

    Open Bandit: Bernoulli Thompson sampling, valued from random slots, beside its own clicks. Our
    log: for each policy, what it earned, and what picking evenly or always the same arm would have.
    """
    figures = evaluate_folder(folder, campaign, name, slates, seed)
    report(figures, as_json=as_json)

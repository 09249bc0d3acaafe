"""The command ``simulate``: models and figures in made-up shops whose truth is known."""

from typing import Annotated

import typer

from loadtest.made_up_experiment import Looks
from loadtest.simulate_experiments import Plan, simulate_experiments
from shopkeeper import simulate_policies
from shopkeeper.load_inputs import AsJson, Seed
from shopkeeper.load_reports import progress, report


def register(app: typer.Typer) -> None:
    """Add the commands."""
    simulate = typer.Typer(
        no_args_is_help=True,
        help="Try models and figures in made-up shops whose truth is known.",
        epilog="Example: shopkeeper simulate experiments --runs 200",
    )
    simulate.callback()(_simulate)
    simulate.command(epilog="Example: shopkeeper simulate experiments --runs 1000 --json")(
        experiments
    )
    simulate_policies.register(simulate)
    app.add_typer(simulate, name="simulate")


def _simulate() -> None:
    """Try models and figures in made-up shops whose truth is known."""


def experiments(
    runs: Annotated[int, typer.Option(help="A/A tests.", min=1)] = 1_000,
    visitors: Annotated[int, typer.Option(help="Of an A/A test.", min=100)] = 20_000,
    look_every: Annotated[
        int, typer.Option(help="Somebody looks after so many visitors.", min=1)
    ] = 100,
    power_runs: Annotated[int, typer.Option(help="Tests with a lift.", min=1)] = 100,
    power_visitors: Annotated[int, typer.Option(help="Of such a test.", min=1_000)] = 300_000,
    lift: Annotated[
        float, typer.Option(help="By which share more order then.", min=-0.9, max=2.0)
    ] = 0.1,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """How often an A/A test raises a false alarm at any look, and how soon a lift is seen."""
    plan = Plan(
        runs=runs,
        looks=Looks(visitors, min(look_every, visitors)),
        power_runs=power_runs,
        power_looks=Looks(power_visitors, 1_000),
        lift=lift,
        seed=seed,
    )
    with progress("experiments", runs + power_runs, "runs") as done:
        report(simulate_experiments(plan, done), as_json=as_json)

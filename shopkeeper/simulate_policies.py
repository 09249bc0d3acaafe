"""The commands ``simulate banners`` and ``simulate offers``: policies in made-up shops."""

from typing import Annotated

import typer

from loadtest.simulate_banners import BannerPlan, simulate_banners
from loadtest.simulate_offers import OfferPlan, simulate_offers
from online_models.warm import warm
from shopkeeper.load_inputs import AsJson
from shopkeeper.load_reports import progress, report

Seeds = Annotated[int, typer.Option(help="Shops, each of a seed of its own.", min=1, max=10_000)]
FirstSeed = Annotated[int, typer.Option(help="The others follow it.", min=0)]


def register(simulate: typer.Typer) -> None:
    """Add the commands."""
    simulate.command(epilog="Example: shopkeeper simulate banners --seeds 20 --json")(banners)
    simulate.command(epilog="Example: shopkeeper simulate offers --seeds 20 --json")(offers)


def banners(
    seeds: Seeds = 20,
    first_seed: FirstSeed = 1,
    visits_per_phase: Annotated[
        int, typer.Option(help="Before the drift, and after it.", min=2_000, max=10_000_000)
    ] = 50_000,
    as_json: AsJson = False,
) -> None:
    """Four banners, contexts, a drift half-way: clicks as a share of what who knows all would get.

    Shares are of the second half of each phase, medians of the shops.
    """
    plan = BannerPlan(seeds=seeds, first_seed=first_seed, visits_per_phase=visits_per_phase)
    warm()  # else each process compiles
    with progress("banners", seeds, "shops") as done:
        report(simulate_banners(plan, done), as_json=as_json)


def offers(
    seeds: Seeds = 20,
    first_seed: FirstSeed = 1,
    visits: Annotated[int, typer.Option(help="Of a shop.", min=2_000, max=10_000_000)] = 100_000,
    as_json: AsJson = False,
) -> None:
    """Buy-anyway, persuadable and never visitors: margin as a share of the best possible one.

    Shares are of the second half of the visits, medians of the shops; the holdout counts.
    """
    plan = OfferPlan(seeds=seeds, first_seed=first_seed, visits=visits)
    warm()  # else each process compiles
    with progress("offers", seeds, "shops") as done:
        report(simulate_offers(plan, done), as_json=as_json)

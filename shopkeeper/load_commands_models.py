"""The benches of models: model, learning."""

from typing import Annotated

import typer

from config.errors import ShopkeeperError
from loadtest.bench_learning import bench_learning
from loadtest.made_up_sessions import BLOCK_PRODUCTS
from shopkeeper.bench_model import ModelLoad, bench_model
from shopkeeper.lifeline import tied
from shopkeeper.load_inputs import AsJson, Rounds, Seed
from shopkeeper.load_reports import report, say


def register(bench: typer.Typer) -> None:
    """Add the commands."""
    bench.command(epilog="Example: shopkeeper bench model --events 2000000 --json")(model)
    bench.command(epilog="Example: shopkeeper bench learning --rounds 1 --json")(learning)


def model(
    products: Annotated[
        int, typer.Option(help="Of the large catalog: a multiple of 40,000.", min=BLOCK_PRODUCTS)
    ] = 1_000_000,
    events: Annotated[int, typer.Option(help="Of the long run.", min=1000)] = 10_000_000,
    rounds: Rounds = 7,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Time to learn and to answer, also with a million products; memory in the long run."""
    if products % BLOCK_PRODUCTS:
        raise ShopkeeperError(f"--products {products}: a multiple of {BLOCK_PRODUCTS} is needed")
    load = ModelLoad(n_products=products, n_events=events, rounds=rounds, seed=seed)
    report(bench_model(load, say), as_json=as_json)


def learning(
    examples: Annotated[int, typer.Option(help="Of a round.", min=1000)] = 200_000,
    rounds: Rounds = 3,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Examples a second that a learner on one core takes in, with commits, log and training."""
    report(bench_learning(examples, rounds, seed, tied, say), as_json=as_json)

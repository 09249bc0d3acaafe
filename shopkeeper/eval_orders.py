"""The command ``eval orders``: how well it is foreseen when customers order again, who leaves."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from config.durations import DAY_MS
from config.errors import ShopkeeperError
from loadtest.machine import bare_machine
from online_models.curves import LEAST_LEARNED
from online_models.rhythm_evaluation import evaluate_rhythm
from shopkeeper.load_inputs import AsJson
from shopkeeper.load_reports import report
from shopkeeper.order_files import OrderFormat, read_orders


def register(evals: typer.Typer) -> None:
    """Add the command."""
    evals.command(
        "orders",
        epilog="Example: shopkeeper eval orders CDNOW_master.txt --format cdnow "
        "--horizon-days 270 --json",
    )(orders)


def orders(
    file: Annotated[
        Path,
        typer.Argument(
            help="Orders, a line each, in any order; plain or .gz.", exists=True, dir_okay=False
        ),
    ],
    kind: Annotated[
        OrderFormat,
        typer.Option(
            "--format",
            help="csv: customer,time; cdnow: customer and day with blanks between; taobao815.",
        ),
    ] = OrderFormat.CSV,
    horizon_days: Annotated[
        float,
        typer.Option(
            help="Who orders nothing for so long has left; the data must go on for longer.",
            min=1,
            max=3_650,
        ),
    ] = 180,
    within_days: Annotated[
        float, typer.Option(help="Will the next order come within so many days?", min=1, max=3_650)
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """How well the served model foresees when customers order again, and who has left.

    Orders are learned one by one as time passes; each customer is asked about before anything later
    is known. auc: of the model, beside mean_interval and recency; log_loss beside who knows the
    rate in hindsight; times_off: by what factor the time to the next order is missed.
    """
    report(evaluate_orders(file, kind, horizon_days, within_days), as_json=as_json)


def evaluate_orders(
    path: Path, kind: OrderFormat, horizon_days: float, within_days: float
) -> dict[str, Any]:
    """Return the figures of a file.

    Raises:
        ShopkeeperError: the file cannot be read, or has too little to judge.
    """
    began = time.perf_counter()
    ordered = read_orders(path, kind)
    figures = evaluate_rhythm(ordered, round(horizon_days * DAY_MS), round(within_days * DAY_MS))
    if not figures:
        raise ShopkeeperError(
            f"{path}: {len(ordered)} orders, of which nothing can be judged: {LEAST_LEARNED} "
            f"intervals and bins are learned first, and orders must go on for {horizon_days:g} "
            "days after that; fewer --horizon-days may do"
        )
    return figures | {
        "n_orders": len(ordered),
        "n_customers": len({customer for _, customer in ordered}),
        "horizon_days": horizon_days,
        "within_days": within_days,
        "seconds": round(time.perf_counter() - began, 1),
        "machine": bare_machine(),
    }

"""The command ``eval``: how good models are, on files of what visitors did."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from config.errors import ShopkeeperError
from shopkeeper import eval_orders, eval_policy, eval_propensity
from shopkeeper.evaluating import Material, Mode, evaluate_next_product
from shopkeeper.evaluating_offers import OfferGoal, evaluate_offers
from shopkeeper.load_inputs import AsJson
from shopkeeper.load_reports import report

_ROWS = {
    "P@20, %": "p_at_20",
    "MRR@20, %": "mrr_at_20",
    "P@5, %": "p_at_5",
    "MRR@5, %": "mrr_at_5",
    "coverage@20, %": "coverage_at_20",
    "to learn a step, µs": "learn_us",
    "to answer, p50 ms": "answer_p50_ms",
    "to answer, p99 ms": "answer_p99_ms",
    "bytes a product": "bytes_per_product",
    "bytes a session": "bytes_per_session",
    "bytes a step": "bytes_per_step",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    evals = typer.Typer(
        no_args_is_help=True,
        help="Evaluate models on files.",
        epilog="Example: shopkeeper eval next-product --train a.gz --test b.gz",
    )
    evals.callback()(_evaluate)
    evals.command(
        "next-product",
        epilog="Example: shopkeeper eval next-product --train train_sessions.txt.gz "
        "--test test_prefix_target.tsv.gz --mode online --baselines",
    )(next_product)
    eval_policy.register(evals)
    eval_propensity.register(evals)
    eval_orders.register(evals)
    evals.command("offers", epilog="Example: shopkeeper eval offers hillstrom.csv.gz --json")(
        offers
    )
    app.add_typer(evals, name="eval")


def _evaluate() -> None:
    """Evaluate models on files."""


def next_product(
    train: Annotated[
        Path,
        typer.Option(
            help="A session a line, products oldest first, in the order of time; plain or .gz.",
            exists=True,
            dir_okay=False,
        ),
    ],
    test: Annotated[
        Path | None,
        typer.Option(
            help="Lines of prefix TAB target, a session's longest prefix first; plain or .gz.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    validate: Annotated[
        float | None,
        typer.Option(
            help="Instead of --test: test on this share of the train sessions, the last ones; "
            "products that are new in them are left out.",
            min=0.0001,
            max=0.9999,
        ),
    ] = None,
    mode: Annotated[
        Mode, typer.Option(help="online: a test session is learned once its last case is answered.")
    ] = "frozen",
    baselines: Annotated[
        bool, typer.Option("--baselines", help="S-POP, SR and a STAN-like model beside it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """How often the next product of a session is among the first 20 that the model suggests.

    Each case ranks all products of the train sessions, repeats allowed. Figures in per cent; what
    the others are: online_models/README.md.
    """
    if (test is None) == (validate is None):
        raise ShopkeeperError("one of --test FILE and --validate SHARE is needed")
    material = Material(train, test, validate or 0.0)
    figures = evaluate_next_product(material, mode, baselines=baselines)
    if as_json:
        report(figures, as_json=True)
        return
    models = {"next product": figures, **figures.get("baselines", {})}
    flat = [
        row | {f"answer_{key}_ms": ms for key, ms in row["answer_ms"].items()}
        for row in models.values()
    ]
    table = Table(Column(no_wrap=True), *(Column(name, justify="right") for name in models))
    for label, key in _ROWS.items():
        table.add_row(label, *(f"{row[key]:,.2f}" for row in flat))
    Console().print(table)
    names = ("n_cases", "n_train_sessions", "seconds", "mode", "machine")
    report({name: figures[name] for name in names}, as_json=False)


def offers(
    file: Annotated[
        Path,
        typer.Argument(
            help="Hillstrom's e-mail experiment: .csv or .csv.gz.", exists=True, dir_okay=False
        ),
    ],
    goal: Annotated[
        OfferGoal, typer.Option(help="What the policy is to bring about and learns from.")
    ] = "visit",
    as_json: AsJson = False,
) -> None:
    """Visits and spend per customer where the policy chooses whom to send which e-mail.

    One pass in the order of the file; it chooses before it learns. Valued on the second half by
    inverse propensity, beside the men's e-mail to everyone.
    """
    report(evaluate_offers(file, goal), as_json=as_json)

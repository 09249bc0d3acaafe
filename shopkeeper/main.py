"""The command line: options for all commands, and errors in one line."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import redis
import typer
from rich.console import Console

from config.errors import ShopkeeperError
from shopkeeper import (
    campaign_commands,
    delivery_commands,
    demo,
    look_commands,
    run_commands,
    trigger_commands,
)
from shopkeeper.configuration import DEFAULT_CONFIG

# These import numpy and httpx: half a second that a worker which is started again should not wait
# for.
_WITHOUT_LOAD = (
    "init",
    "up",
    "serve",
    "work",
    "learn",
    "deliver",
    "redis",
    "inspect",
    "doctor",
    "campaigns",
    "triggers",
    "demo",
)
_WITH_LOAD = ("replay", "bench", "chaos", "catalog")
_WITH_MODELS = ("eval", "backtest", "choices")
_SIMULATE = "simulate"


def create_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the command with all parts that the arguments may ask for."""
    app = typer.Typer(
        name="shopkeeper",
        help="Shopkeeper: every browse and cart event changes what the next page view shows.",
        epilog="Example: shopkeeper init && shopkeeper up",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback()(_common)
    run_commands.register(app)
    look_commands.register(app)
    campaign_commands.register(app)
    triggers = typer.Typer(
        help="Look at triggers.toml and at what fires; send again what nobody took.",
        epilog="Example: shopkeeper triggers check",
        no_args_is_help=True,
    )
    trigger_commands.register(triggers)
    delivery_commands.register(triggers)
    app.add_typer(triggers, name="triggers")
    demo.register(app)
    all_named = (*_WITHOUT_LOAD, *_WITH_LOAD, *_WITH_MODELS, _SIMULATE)
    named = next((word for word in arguments if word in all_named), None)
    if named not in (*_WITHOUT_LOAD, *_WITH_MODELS, _SIMULATE):
        from shopkeeper import catalog_commands, load_commands  # noqa: PLC0415

        load_commands.register(app)
        catalog_commands.register(app)
    if named in (None, *_WITH_MODELS):
        from shopkeeper import backtest_commands, eval_commands  # noqa: PLC0415

        eval_commands.register(app)
        backtest_commands.register(app)
    if named in (None, _SIMULATE):
        from shopkeeper import simulate_commands  # noqa: PLC0415

        simulate_commands.register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, 1 for a finding, 2 for an error."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        create_app(arguments)(arguments, prog_name="shopkeeper")
    except ShopkeeperError as error:
        return _fail(str(error))
    except redis.RedisError as error:
        return _fail(f"Redis: {error}; `shopkeeper doctor` says more")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def _common(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option(envvar="SHOPKEEPER_CONFIG", help="The settings file.")
    ] = DEFAULT_CONFIG,
) -> None:
    context.obj = config


def _fail(text: str) -> int:
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    console.print(f"error: {text}", style="red", markup=False)
    return 2

"""Commands about the log of choices: backtest, choices."""

from pathlib import Path
from typing import Annotated

import typer

from config.campaigns import Campaigns
from config.errors import SettingsError, ShopkeeperError
from config.keys import Keys
from config.mistakes import InvalidFile
from config.settings import Settings
from online_models.choice_log import LoggedChoice, encode_choice
from shopkeeper.backtesting import backtest
from shopkeeper.campaign_files import read_campaign_file
from shopkeeper.choice_files import choices_in, choices_of
from shopkeeper.configuration import connected, load
from shopkeeper.load_inputs import AsJson
from shopkeeper.load_reports import report, say
from shopkeeper.redis_connection import connect


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        "backtest", epilog="Example: shopkeeper backtest --campaigns new.toml --log choices.jsonl"
    )(backtest_command)
    app.command("choices", epilog="Example: shopkeeper choices --out choices.jsonl")(choices)


def backtest_command(
    context: typer.Context,
    campaigns: Annotated[Path, typer.Option(help="The campaigns.toml to be valued.")],
    log: Annotated[
        Path | None,
        typer.Option(
            help="*.jsonl of `shopkeeper choices`, or a folder of them; without it, what the "
            "running shop still holds.",
            exists=True,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of folds and bootstrap.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """What another campaigns.toml would have earned at the choices of the log, by placement.

    Each figure is a mean of a choice, in clicks, orders or margin. What is assumed:
    online_models/README.md.
    """
    settings, _ = load(context.obj)
    planned = _planned(campaigns, settings)
    logged = choices_of(log) if log is not None else _held(settings)
    report(backtest(logged, planned, seed), as_json=as_json)


def choices(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The file to write: a choice a line, as JSON.")],
) -> None:
    """Write the choices of campaigns, with chance and reward, that the running shop still holds."""
    settings, _ = load(context.obj)
    held = _held(settings)
    try:
        out.write_bytes(b"".join(encode_choice(choice) + b"\n" for choice in held))
    except OSError as error:
        raise ShopkeeperError(f"{out} cannot be written: {error.strerror}") from error
    say(f"{out}: {len(held)} choices")


def _planned(path: Path, settings: Settings) -> Campaigns:
    try:
        return read_campaign_file(path, settings.placements)
    except InvalidFile as error:
        raise SettingsError(
            f"{path}: {error.mistakes[0]}; `shopkeeper campaigns check {path}` tells all"
        ) from error


def _held(settings: Settings) -> list[LoggedChoice]:
    with connect(connected(settings).redis.url) as client:
        return list(choices_in(client, Keys(settings.shop.namespace), settings.redis.shards))

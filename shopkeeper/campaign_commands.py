"""Commands about campaigns: check."""

import json
from pathlib import Path
from typing import Annotated

import typer

from config.mistakes import InvalidFile, Mistake
from shopkeeper.campaign_files import read_campaign_file
from shopkeeper.configuration import load


def register(app: typer.Typer) -> None:
    """Add the commands."""
    campaigns = typer.Typer(
        help="Look at campaigns.toml.",
        epilog="Example: shopkeeper campaigns check",
        no_args_is_help=True,
    )
    campaigns.callback()(lambda: None)
    campaigns.command(epilog="Example: shopkeeper campaigns check new.toml --json")(check)
    app.add_typer(campaigns, name="campaigns")


def check(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="The file; without it that of the settings.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object: ok, mistakes.")] = False,
) -> None:
    """Say of each mistake in which line it is and what is allowed there. 1 where there is one."""
    settings, _ = load(context.obj)
    path = file or Path(settings.decision.campaigns_file)
    mistakes: list[Mistake] = []
    told = ""
    try:
        found = read_campaign_file(path, settings.placements)
        told = f"{len(found.campaigns)} campaigns, {len(found.segments)} segments"
    except InvalidFile as error:
        mistakes = error.mistakes
    if as_json:
        listed = [
            {"line": one.line, "place": ".".join(map(str, one.path)), "problem": one.problem}
            for one in mistakes
        ]
        typer.echo(json.dumps({"ok": not mistakes, "mistakes": listed}))
    else:
        for one in mistakes:
            typer.echo(f"{path}: {one}")
        if told:
            typer.echo(f"{path}: {told}; nothing is wrong")
    if mistakes:
        raise typer.Exit(1)

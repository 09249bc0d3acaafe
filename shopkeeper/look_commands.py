"""Commands that only look: inspect, doctor."""

import json
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.durations import DAY_MS
from config.keys import Ids, Keys
from config.settings import Settings
from shopkeeper.configuration import connected, ids_of, load
from shopkeeper.doctor import examine
from shopkeeper.findings import Finding, Level
from shopkeeper.inspection import inspect_shard, inspect_user
from shopkeeper.redis_connection import connect

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    inspect = typer.Typer(
        help="Show what is stored of a user or a shard.",
        epilog="Example: shopkeeper inspect user ann",
        no_args_is_help=True,
    )
    inspect.command(epilog="Example: shopkeeper inspect user 3f1c --anonymous")(user)
    inspect.command(epilog="Example: shopkeeper inspect shard 7")(shard)
    app.add_typer(inspect, name="inspect")
    app.command(epilog="Example: shopkeeper doctor --json")(doctor)


def user(
    context: typer.Context,
    user_id: Annotated[str, typer.Argument(metavar="ID", help="The userId.")],
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="ID is an anonymousId instead.")
    ] = False,
) -> None:
    """Show the picture of a user, as JSON."""
    settings, ids = _load(context)
    with connect(settings.redis.url) as client:
        _show(
            inspect_user(
                client,
                Keys(settings.shop.namespace),
                ids,
                user_id,
                anonymous=anonymous,
                now_ms=int(time.time() * 1000),
                retention_ms=settings.profile.user_retention_days * DAY_MS,
            )
        )


def shard(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="N", help="The shard, from 0.")],
) -> None:
    """Show a shard's commit, lag, owner, timers, outboxes and dead letters, as JSON."""
    settings, _ = _load(context)
    with connect(settings.redis.url) as client:
        _show(inspect_shard(client, Keys(settings.shop.namespace), settings.redis.shards, number))


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One object: ok, findings.")] = False,
) -> None:
    """Check Python, Redis, memory, clock, secret, workers and lag; say what to do. 1 on FAIL."""
    settings, ids = _load(context)
    with connect(settings.redis.url) as client:
        findings = examine(settings, ids, client)
    healthy = all(finding.level is not Level.FAIL for finding in findings)
    if as_json:
        told = [finding._asdict() for finding in findings]
        typer.echo(json.dumps({"ok": healthy, "findings": told}))
    else:
        _print_table(findings)
    if not healthy:
        raise typer.Exit(1)


def _load(context: typer.Context) -> tuple[Settings, Ids]:
    settings, secrets = load(context.obj)
    return connected(settings), ids_of(settings, secrets)


def _show(value: dict[str, Any]) -> None:
    Console().print_json(json.dumps(value))


def _print_table(findings: list[Finding]) -> None:
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        level = Text(finding.level, style=_COLOURS[finding.level])
        advice = f" → {finding.advice}" if finding.advice else ""
        table.add_row(level, Text(finding.name), Text(finding.found + advice))
    Console().print(table)

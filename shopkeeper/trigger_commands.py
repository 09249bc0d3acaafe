"""Commands about triggers.toml: check, list, test."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from config.errors import SettingsError
from config.keys import Keys
from config.mistakes import InvalidFile, Mistake
from config.settings import Settings
from config.webhooks import receivers_of
from shopkeeper.configuration import connected, ids_of, load
from shopkeeper.inspection import known_state
from shopkeeper.redis_connection import connect
from stream.trigger_files import files_of
from stream.trigger_rules import InForce, made_ready
from stream.trigger_words import in_words, standing_of

File = Annotated[Path | None, typer.Argument(help="The file; without it that of the settings.")]
AsJson = Annotated[bool, typer.Option("--json", help="One object.")]


def register(triggers: typer.Typer) -> None:
    """Add the commands to those about triggers."""
    triggers.command(epilog="Example: shopkeeper triggers check new.toml --json")(check)
    triggers.command("list", epilog="Example: shopkeeper triggers list")(list_command)
    triggers.command("test", epilog="Example: shopkeeper triggers test ann")(dry_run)


def check(context: typer.Context, file: File = None, as_json: AsJson = False) -> None:
    """Say of each mistake in which line it is and what is allowed there. 1 where there is one."""
    settings, _ = load(context.obj)
    path, mistakes, n_triggers = _path(settings, file), list[Mistake](), 0
    try:
        n_triggers = len(_read(settings, path).rules)
    except InvalidFile as error:
        mistakes = error.mistakes
    mistakes += [mistake for mistake in _of_receivers(path) if mistake not in mistakes]
    mistakes.sort(key=lambda mistake: mistake.line)
    if as_json:
        listed = [
            {"line": one.line, "place": ".".join(map(str, one.path)), "problem": one.problem}
            for one in mistakes
        ]
        typer.echo(json.dumps({"ok": not mistakes, "triggers": n_triggers, "mistakes": listed}))
    for one in () if as_json else mistakes:
        typer.echo(f"{path}: {one}")
    if mistakes:
        raise typer.Exit(1)
    if not as_json:
        typer.echo(f"{path}: {n_triggers} triggers; nothing is wrong")


def list_command(context: typer.Context, file: File = None, as_json: AsJson = False) -> None:
    """Say what each trigger means, in a sentence."""
    settings, _ = load(context.obj)
    rules = _good(settings, _path(settings, file)).rules
    told = {name: in_words(rule) for name, rule in rules.items()}
    if as_json:
        typer.echo(json.dumps(told))
        return
    for name, words in told.items():
        typer.echo(f"{name}: {words}")


def dry_run(
    context: typer.Context,
    user_id: Annotated[str, typer.Argument(metavar="ID", help="The userId.")],
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="ID is an anonymousId instead.")
    ] = False,
    file: Annotated[Path | None, typer.Option(help="Another file, to try it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say of each trigger how far it is for a user, and what stands against it. Fires nothing."""
    settings, secrets = load(context.obj)
    in_force = _good(settings, _path(settings, file))
    settings = connected(settings)
    with connect(settings.redis.url) as client:
        keys, ids = Keys(settings.shop.namespace), ids_of(settings, secrets)
        state = known_state(client, keys, ids, user_id, anonymous=anonymous)
    now, gap_ms = int(time.time() * 1000), settings.profile.session_gap_seconds * 1000
    found = {
        name: standing_of(rule, state, in_force, now, gap_ms)
        for name, rule in in_force.rules.items()
    }
    if as_json:
        typer.echo(json.dumps({name: one.as_json() for name, one in found.items()}))
        return
    for name, one in found.items():
        typer.echo(f"{name}: {one}")


def _path(settings: Settings, file: Path | None) -> Path:
    return file or Path(settings.delivery.triggers_file)


def _good(settings: Settings, path: Path) -> InForce:
    try:
        return _read(settings, path)
    except InvalidFile as error:
        first = error.mistakes[0]
        raise SettingsError(
            f"{path}: {first}; `shopkeeper triggers check {path}` tells all"
        ) from error


def _read(settings: Settings, path: Path) -> InForce:
    try:
        return made_ready(files_of(settings)._replace(triggers=path).read())
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def _of_receivers(path: Path) -> list[Mistake]:
    """Return what is wrong with those who are to be told, in a file that can be read."""
    try:
        receivers_of(path.read_bytes())
    except InvalidFile as error:
        return error.mistakes
    return []

"""Commands that put load on a shop: replay, chaos, and the benches of what comes in."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from config.errors import ShopkeeperError
from config.keys import Ids
from config.settings import Secrets
from loadtest.bench_append import bench_append
from loadtest.bench_memory import bench_memory
from loadtest.bench_stream import bench_stream
from loadtest.chaos import run_chaos
from loadtest.disturbance import Plan
from loadtest.formats import Format, guess_format, read_events
from loadtest.replay import ReplayGaveUp, ReplayRefused, Target, replay
from loadtest.synthetic import Appended, file_events
from loadtest.trigger_chaos import run_trigger_chaos
from shopkeeper import (
    load_commands_all,
    load_commands_decisions,
    load_commands_models,
    load_commands_triggers,
)
from shopkeeper.addresses import server_url
from shopkeeper.configuration import load
from shopkeeper.lifeline import tied
from shopkeeper.line_files import lines_of
from shopkeeper.load_inputs import AsJson, Rounds, Seed, history_of, taobao815
from shopkeeper.load_reports import progress, report, say, show_unreadable


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        "replay", epilog="Example: shopkeeper replay events.ndjson.gz --import --speed max"
    )(replay_file)
    app.command(epilog="Example: shopkeeper chaos --kills 20 --seed 1 --json")(chaos)
    bench = typer.Typer(
        no_args_is_help=True,
        help="Measure, on shops of its own.",
        epilog="Example: shopkeeper bench append --rounds 1",
    )
    bench.command(epilog="Example: shopkeeper bench stream --workers 1 --json")(stream)
    bench.command(epilog="Example: shopkeeper bench append --json")(append)
    bench.command(epilog="Example: shopkeeper bench memory --json")(memory)
    load_commands_decisions.register(bench)
    load_commands_models.register(bench)
    load_commands_triggers.register(bench)
    load_commands_all.register(bench)
    app.add_typer(bench, name="bench")


def replay_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Events, plain or .gz.", exists=True)],
    fmt: Annotated[
        Format | None, typer.Option("--format", help="By default the file's name tells.")
    ] = None,
    speed: Annotated[str, typer.Option(help="A factor (1: as it was), or max.")] = "max",
    imports: Annotated[
        bool, typer.Option("--import", help="Keep the file's times; uses the secret key.")
    ] = False,
    url: Annotated[str, typer.Option(help="The server; by default that of the settings.")] = "",
    senders: Annotated[int, typer.Option(help="Connections of a live replay.", min=1)] = 4,
    give_up: Annotated[float, typer.Option(help="Seconds to try a batch again.", min=0)] = 60,
    limit: Annotated[int | None, typer.Option(help="Only the first lines.", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Send the events of a file to a server, each accepted once, each user's in order."""
    settings, secrets = load(context.obj)
    reading = read_events(lines_of(file), fmt or _format_of(file), limit)
    target = Target(
        url=url or server_url(settings),
        key=_key(secrets, imports),
        imports=imports,
        speed=_speed(speed),
        senders=senders,
        give_up_seconds=give_up,
    )
    if not as_json:
        show_unreadable(reading)
    try:
        with progress("replay", len(reading.events), "events") as show:
            result = replay(reading.events, target, lambda so_far: show(so_far.sent))
    except (ReplayGaveUp, ReplayRefused) as error:
        raise ShopkeeperError(f"{target.url}: {error}") from error
    figures = result.as_json() | {
        "unreadable": len(reading.unreadable),
        "unreadable_lines": [line for line, _ in reading.unreadable[:100]],
    }
    report(figures, as_json=as_json)
    if result.rejected or reading.unreadable:
        raise typer.Exit(1)


def chaos(
    kills: Annotated[int, typer.Option(help="Random kills a run.", min=0)] = 20,
    seed: Seed = 1,
    workers: Annotated[int | None, typer.Option(help="Only the run of so many.", min=1)] = None,
    join: Annotated[bool, typer.Option("--join", help="Only the run where one joins.")] = False,
    events: Annotated[int, typer.Option(help="About so many events a run.", min=200)] = 8000,
    points_each: Annotated[int, typer.Option(help="Hits of each fail point a run.", min=0)] = 20,
    triggers: Annotated[
        int | None, typer.Option(help="Fire so many triggers instead of an import.", min=100)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Kill servers, workers and Redis during an import; compare with an undisturbed run.

    By default on one worker, on two, and while a third joins and leaves. With --triggers the
    receiver of webhooks and the deliverer are killed as well, and what was told is counted.
    """
    if triggers is not None:
        told = run_trigger_chaos(triggers, kills, seed, tied, say)
        report(told, as_json=as_json)
        if told["triggers_missing"] or told["triggers_repeated_ids"] or told["out_of_order"]:
            raise typer.Exit(1)
        return
    if join:
        plans = [Plan("a third joins and leaves", workers or 2, kills, points_each, seed, True)]
    elif workers:
        plans = [Plan(f"{workers} worker(s)", workers, kills, points_each, seed)]
    else:
        plans = [
            Plan("one worker", 1, kills, points_each, seed),
            Plan("two workers", 2, kills, points_each, seed + 1),
            Plan("a third joins and leaves", 2, kills, points_each, seed + 2, True),
        ]
    figures = run_chaos(history_of(events, seed), plans, seed, tied, say)
    report(figures, as_json=as_json)
    n_wanted = points_each * len(plans)
    is_good = (
        figures["events_lost"] == figures["effects_repeated"] == 0
        and figures["state_equal"]
        and min(figures["fail_points"].values()) >= n_wanted
    )
    if not is_good:
        raise typer.Exit(1)


def stream(
    events: Annotated[int, typer.Option(min=1000)] = 500_000,
    users: Annotated[int, typer.Option(min=1)] = 100_000,
    workers: Annotated[int, typer.Option(help="2: with one and with two.", min=1, max=2)] = 2,
    rounds: Rounds = 3,
    seed: Seed = 1,
    idle_seconds: Annotated[float, typer.Option(help="Measure the idle worker first.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Events a second that workers take from full logs into users' states."""
    history = taobao815()

    def beside(ids: Ids) -> Iterable[Appended]:
        return file_events(history or (), ids)

    figures = bench_stream(
        events, users, workers, rounds, seed, idle_seconds, tied, beside if history else None, say
    )
    report(figures, as_json=as_json)


def append(
    events_per_second: Annotated[int, typer.Option(min=1)] = 1000,
    batch: Annotated[int, typer.Option(help="Events in a batch.", min=1)] = 10,
    seconds: Annotated[float, typer.Option(help="Of a round, after its warm-up.", min=1)] = 10.0,
    rounds: Rounds = 5,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Time from an append to its commit, at a steady rate."""
    report(
        bench_append(events_per_second, batch, seconds, rounds, seed, tied, say), as_json=as_json
    )


def memory(
    users: Annotated[int, typer.Option(min=1)] = 2000, seed: Seed = 1, as_json: AsJson = False
) -> None:
    """Bytes in Redis of a user with 20 events, and what they are."""
    report(bench_memory(users, seed, tied), as_json=as_json)


def _format_of(path: Path) -> Format:
    found = guess_format(path.name)
    if found is None:
        raise ShopkeeperError(f"{path.name}: say --format {' | '.join(Format)}")
    return found


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise ShopkeeperError(f"--speed {text}: a factor above 0, or max, is allowed")
    return factor


def _key(secrets: Secrets, imports: bool) -> str:
    return secrets.secret_keys[0] if imports else secrets.write_keys[0]

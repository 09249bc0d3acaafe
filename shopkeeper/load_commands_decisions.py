"""The benches of decisions: serve, freshness, faults, neighbours, rules, campaigns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from config.errors import ShopkeeperError
from loadtest.bench_dashboard import DashboardLoad, bench_dashboard
from loadtest.bench_faults import FaultLoad, bench_faults
from loadtest.bench_freshness import FreshnessLoad, bench_freshness
from loadtest.bench_neighbours import bench_neighbours
from loadtest.bench_serve import ServeLoad, bench_serve
from loadtest.latency import picture
from shopkeeper.bench_campaigns import bench_campaigns
from shopkeeper.bench_rules import bench_rules
from shopkeeper.lifeline import tied
from shopkeeper.load_inputs import AsJson, Rounds, Seed, history_of
from shopkeeper.load_reports import report, say, show_curves

Seconds = Annotated[float, typer.Option(help="Of a round's parts, after warm-up.", min=1)]
Picture = Annotated[
    Path | None, typer.Option("--picture", help="Write the percentile curve here, as SVG.")
]


def register(bench: typer.Typer) -> None:
    """Add the commands."""
    bench.command(epilog="Example: shopkeeper bench serve --picture serve.svg")(serve)
    bench.command(epilog="Example: shopkeeper bench freshness --rounds 5 --json")(freshness)
    bench.command(epilog="Example: shopkeeper bench faults --json")(faults)
    bench.command(epilog="Example: shopkeeper bench dashboard --rounds 7 --json")(dashboard)
    bench.command(epilog="Example: SHOPKEEPER_DATA=data shopkeeper bench neighbours")(neighbours)
    bench.command(epilog="Example: shopkeeper bench rules --rounds 5 --json")(rules)
    bench.command(epilog="Example: shopkeeper bench campaigns --campaigns 500 --json")(campaigns)


def serve(
    rounds: Rounds = 5,
    seconds: Seconds = 10.0,
    rate: Annotated[float, typer.Option(help="Decisions a second, for the latency.", min=1)] = 300,
    events: Annotated[int, typer.Option(help="About so many are taught first.", min=200)] = 20_000,
    seed: Seed = 1,
    picture_file: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Decisions a second as a ratio to a bare FastAPI route, and their latency at a rate."""
    load = ServeLoad(seconds, rounds, rate, seed)
    figures = bench_serve(history_of(events, seed), load, tied, say)
    curves = {"decision": figures["decision_curve_ms"]}
    _show(figures, curves, f"Decisions, {rate:g} a second", picture_file, as_json=as_json)
    if figures["failures"] or figures["steady_failures"]:
        raise typer.Exit(1)


def freshness(
    rounds: Rounds = 5,
    seconds: Seconds = 10.0,
    events_per_second: Annotated[int, typer.Option(min=10)] = 1000,
    batch: Annotated[int, typer.Option(help="Events in a batch.", min=1)] = 10,
    rate: Annotated[float, typer.Option(help="Decisions a second.", min=1)] = 300,
    events: Annotated[int, typer.Option(help="Of the history, about.", min=200)] = 80_000,
    seed: Seed = 1,
    picture_file: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Time from an event to the first decision that knows it, and until it is learned."""
    load = FreshnessLoad(events_per_second, batch, rate, seconds, rounds, seed)
    figures = bench_freshness(history_of(events, seed), load, tied, say)
    curves = {name.removesuffix("_ms"): points for name, points in figures["curves_ms"].items()}
    shown = {name: curves[name] for name in ("freshness", "decision", "reply")}
    title = f"{events_per_second:,} events and {rate:g} decisions a second"
    _show(figures, shown, title, picture_file, as_json=as_json)
    n_missing = sum(
        figures[name] for name in ("stale", "unlearned", "refused_batches", "failed_decisions")
    )
    if n_missing:
        raise typer.Exit(1)


def dashboard(
    rounds: Annotated[int, typer.Option(help="With and without viewers; 0: none.", min=0)] = 7,
    seconds: Seconds = 10.0,
    minute: Annotated[
        float, typer.Option(help="Seconds of traffic that are compared; 0: none.", min=0, max=50)
    ] = 45.0,
    viewers: Annotated[int, typer.Option(min=1, max=50)] = 5,
    rate: Annotated[float, typer.Option(help="Decisions a second.", min=1)] = 300,
    events: Annotated[int, typer.Option(help="About so many are taught first.", min=200)] = 10_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Whether the dashboard's figures are those measured from outside; what viewers cost."""
    load = DashboardLoad(
        rate, seconds=seconds, minute_seconds=minute, rounds=rounds, viewers=viewers, seed=seed
    )
    figures = bench_dashboard(history_of(events, seed), load, tied, say)
    report(figures, as_json=as_json)
    if not figures.get("figures_equal", True):
        raise typer.Exit(1)


def faults(
    rate: Annotated[float, typer.Option(help="Decisions a second.", min=10)] = 100,
    seconds: Annotated[float, typer.Option(help="That a fault lasts.", min=0.5)] = 3.0,
    events: Annotated[int, typer.Option(help="About so many are taught first.", min=200)] = 4000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """What decisions do while Redis is stopped, frozen, slow or empty, and how they recover."""
    load = FaultLoad(per_second=rate, fault_seconds=seconds, seed=seed)
    figures = bench_faults(history_of(events, seed), load, tied, say)
    report(figures, as_json=as_json)
    if figures["failures"] or figures["personal_again_ms"] is None:
        raise typer.Exit(1)


def neighbours(
    samples: Annotated[int, typer.Option(help="Users in mid-session, asked twice.", min=1)] = 1000,
    events: Annotated[int, typer.Option(help="Of the history, about.", min=200)] = 1_000_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Whether answers follow the visitor, event after event, through a file of real sessions."""
    report(bench_neighbours(history_of(events, seed), samples, seed, tied, say), as_json=as_json)


def rules(rounds: Rounds = 7, seed: Seed = 1, as_json: AsJson = False) -> None:
    """What rules of placements cost a decision, by kind of rule, in this process alone."""
    report(bench_rules(rounds, seed), as_json=as_json)


def campaigns(
    n_campaigns: Annotated[
        int, typer.Option("--campaigns", help="With a condition each.", min=1, max=1000)
    ] = 500,
    rounds: Rounds = 15,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """What campaigns with conditions add to a decision, in this process alone."""
    report(bench_campaigns(n_campaigns, rounds, seed), as_json=as_json)


def _show(
    figures: Mapping[str, Any],
    curves: Mapping[str, Sequence[tuple[float, float]]],
    title: str,
    picture_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print the figures, with a table of the curves where no program reads them; draw them."""
    if as_json:
        report(figures, as_json=True)
    else:
        plain = {name: value for name, value in figures.items() if "curve" not in name}
        report(plain, as_json=False)
        show_curves(curves)
    if picture_file is not None:
        try:
            picture_file.write_text(picture(title, curves), encoding="utf-8")
        except OSError as error:
            raise ShopkeeperError(f"{picture_file}: {error.strerror}") from error
        say(f"wrote {picture_file}")

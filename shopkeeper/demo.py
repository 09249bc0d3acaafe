"""The demo: a shop of its own, seeded shoppers, and what happens as live figures."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import replace
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from config.errors import ShopkeeperError
from config.settings import Secrets
from shopkeeper.addresses import is_free
from shopkeeper.configuration import connected, ids_of, load
from shopkeeper.live_figures import Figures, figures_between, one_line, read_metrics
from shopkeeper.project_files import write_project
from shopkeeper.shop import Shop, StoppedEarly
from shopkeeper.supervisor import StopRequests

REFRESH_SECONDS = 1.0
LINE_SECONDS = 2.0

Show = Callable[[float, Figures, int], None]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: shopkeeper demo --seconds 30 --events-per-second 500")(demo)


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo's shop lies.")] = Path("demo"),
    seconds: Annotated[float | None, typer.Option(help="End after so long.", min=1.0)] = None,
    events_per_second: Annotated[float, typer.Option(help="What the shoppers do.", min=1.0)] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same shoppers.")] = 1,
) -> None:
    """Start a shop with seeded shoppers and show live figures; Ctrl-C ends it cleanly."""
    config = folder / "shopkeeper.toml"
    if not config.exists():
        write_project(folder)
    settings, secrets = load(config)
    if not is_free(settings.server):  # a demo need not be where it was
        settings = replace(settings, server=replace(settings.server, port=0))
    console, news = Console(), deque[str](maxlen=6)
    say = news.append if console.is_terminal else _say_plainly
    with StopRequests() as requests, (folder / "demo.log").open("a", encoding="utf-8") as log:
        shop = Shop(
            config,
            connected(settings),
            ids=ids_of(settings, secrets),
            embedded=not settings.redis.url,
            requests=requests,
            say=say,
            echo=lambda line: print(line, file=log, flush=True),
        )
        typer.echo(f"starting; what the processes say goes to {log.name}")
        try:
            _run(shop, secrets, console, news, seconds, events_per_second, seed)
        except StoppedEarly:
            pass
        finally:
            clean = shop.stop()
    typer.echo("stopped" if clean else "stopped; some had to be killed")


def _run(
    shop: Shop,
    secrets: Secrets,
    console: Console,
    news: deque[str],
    seconds: float | None,
    events_per_second: float,
    seed: int,
) -> None:
    shop.start()
    typer.echo(f"ready: {shop.url} ({events_per_second:g} events/s, seed {seed}; Ctrl-C ends it)")
    with (
        _shoppers(shop.url, secrets, seed, events_per_second) as shoppers,
        _display(console, news) as show,
    ):
        started_at = time.monotonic()
        before = read_metrics(started_at, shop.metrics_pages())
        pause = REFRESH_SECONDS if console.is_terminal else LINE_SECONDS
        while seconds is None or time.monotonic() - started_at < seconds:
            shop.step()
            if shoppers.done():
                why = shoppers.exception()
                raise ShopkeeperError(f"the shoppers stopped: {why!r}") from why
            if time.monotonic() - before.at >= pause:
                now = read_metrics(time.monotonic(), shop.metrics_pages())
                show(now.at - started_at, figures_between(before, now), shop.restarts)
                before = now


@contextmanager
def _shoppers(
    url: str, secrets: Secrets, seed: int, events_per_second: float
) -> Iterator[Future[None]]:
    """Let shoppers shop in a thread until the end of the ``with``."""
    from loadtest.shoppers import run_shoppers  # noqa: PLC0415

    stop, key = threading.Event(), secrets.write_keys[0]
    with ThreadPoolExecutor(1, "shoppers") as pool:
        try:
            yield pool.submit(run_shoppers, url, key, seed, events_per_second, stop, lambda _: None)
        finally:
            stop.set()


@contextmanager
def _display(console: Console, news: deque[str]) -> Iterator[Show]:
    """Yield what shows the figures: a table that stays in place, or a line each time."""
    if not console.is_terminal:
        yield lambda *facts: typer.echo(one_line(*facts))
        return
    with Live(console=console, auto_refresh=False, transient=False) as live:

        def show(seconds: float, figures: Figures, n_restarts: int) -> None:
            live.update(_panel(seconds, figures, n_restarts, news), refresh=True)

        yield show


def _panel(seconds: float, figures: Figures, n_restarts: int, news: deque[str]) -> Any:
    table = Table.grid(padding=(0, 3))
    table.add_column(justify="left")
    table.add_column(justify="right")
    rows = {
        "accepted": f"{figures.accepted_per_second:.0f} events/s",
        "applied": f"{figures.applied_per_second:.0f} events/s",
        "lag": f"{figures.lag_seconds:.2f} s",
        "users in memory": str(figures.users),
        "append to commit, p50": "-" if figures.p50_ms is None else f"{figures.p50_ms:.1f} ms",
        "append to commit, p99": "-" if figures.p99_ms is None else f"{figures.p99_ms:.1f} ms",
        "restarts": str(n_restarts),
    }
    for name, value in rows.items():
        table.add_row(Text(name), Text(value, style="bold"))
    words = [Text(line, style="yellow") for text in news for line in text.splitlines()[:1]]
    return Panel(Group(table, *words), title=f"Shopkeeper, {seconds:.0f} s", expand=False)


def _say_plainly(text: str) -> None:
    typer.echo(text)

"""What the demo does: fills the shelves, opens the doors, and looks on."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from config.errors import ShopkeeperError
from config.settings import Secrets
from loadtest.shoppers import ShopperStats, run_shoppers, send_past_shoppers, tastes_of
from loadtest.shopping import Tastes, goods_of
from shopkeeper.catalog_files import CatalogFormat, read_catalog
from shopkeeper.catalog_upload import upload
from shopkeeper.demo_catalog import demo_lines, demo_products
from shopkeeper.demo_customers import send_past_orders
from shopkeeper.live_figures import (
    Figures,
    figures_between,
    milliseconds,
    one_line,
    read_metrics,
    share,
)
from shopkeeper.shop import Shop
from shopkeeper.storefront import running_storefront

REFRESH_SECONDS = 1.0
LINE_SECONDS = 2.0
PAST_EVENTS = 12_000  # so that the shop has learned something when the first visitor comes

Show = Callable[[float, Figures, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the demo was asked for; ``began`` is when, by the monotonic clock."""

    secrets: Secrets
    events_per_second: float
    seed: int
    seconds: float | None
    shop_port: int
    began: float


class Shoppers:
    """The thread that shops, and what it last told."""

    def __init__(self) -> None:
        self.work: Future[None] = Future()
        self.stats: ShopperStats | None = None

    def tell(self, stats: ShopperStats) -> None:
        """Keep the latest figures."""
        self.stats = stats


def open_shop(shop: Shop, plan: Plan, console: Console, news: deque[str]) -> None:
    """Fill the shelves, open the doors, and look on."""

    write_key, secret_key = plan.secrets.write_keys[0], plan.secrets.secret_keys[0]
    reading = read_catalog(demo_lines(), CatalogFormat.NDJSON, datetime.now(UTC))
    n_products = upload(shop.url, secret_key, reading.changes, lambda _: shop.step()).upserted
    products = demo_products()
    send_past_orders(shop.url, secret_key, products, datetime.now(UTC))
    tastes = tastes_of([goods_of(product) for product in products], plan.seed)
    past_seed = plan.seed + 1_000_000
    n_past = send_past_shoppers(shop.url, write_key, tastes, past_seed, PAST_EVENTS)
    typer.echo(f"catalog: {n_products:,} products; {n_past:,} events of the last hour's shoppers")
    with (
        running_storefront(
            shop.settings.server.host,
            plan.shop_port,
            server_url=shop.url,
            write_key=write_key,
            secret_key=secret_key,
        ) as storefront,
        _shoppers(shop.url, write_key, tastes, plan) as shoppers,
    ):
        typer.echo(f"shop:    {storefront}   <- open this, and look behind the counter")
        typer.echo(f"ready:   {shop.url}   API: {shop.url}/docs")
        typer.echo(f"health:  {shop.url}/dashboard   secret key: in secrets.toml beside the log")
        typer.echo(f"{plan.events_per_second:g} events/s, seed {plan.seed}; Ctrl-C ends it")
        with _display(console, news) as show:
            _look_on(shop, plan, shoppers, show, news if console.is_terminal else None)


def _look_on(
    shop: Shop, plan: Plan, shoppers: Shoppers, show: Show, news: deque[str] | None
) -> None:
    say = typer.echo if news is None else news.append
    started_at = time.monotonic()
    before = read_metrics(started_at, shop.metrics_pages())
    pause = LINE_SECONDS if news is None else REFRESH_SECONDS
    is_told = False
    while plan.seconds is None or time.monotonic() - started_at < plan.seconds:
        shop.step()
        if shoppers.work.done():
            why = shoppers.work.exception()
            raise ShopkeeperError(f"the shoppers stopped: {why!r}") from why
        stats = shoppers.stats
        if stats is not None and stats.first_at is not None and not is_told:
            is_told = True
            seconds = stats.first_at - plan.began
            say(f"first personal decision after {seconds:.1f} s: “{stats.first_reason}”")
        if time.monotonic() - before.at >= pause:
            now = read_metrics(time.monotonic(), shop.metrics_pages())
            show(now.at - started_at, figures_between(before, now), shop.restarts)
            before = now


@contextmanager
def _shoppers(url: str, write_key: str, tastes: Tastes, plan: Plan) -> Iterator[Shoppers]:
    """Let shoppers shop in a thread until the end of the ``with``."""

    stop, shoppers = threading.Event(), Shoppers()
    rate = plan.events_per_second
    with ThreadPoolExecutor(1, "shoppers") as pool:
        try:
            shoppers.work = pool.submit(
                run_shoppers, url, write_key, tastes, plan.seed, rate, stop, shoppers.tell
            )
            yield shoppers
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
        "append to commit, p50": milliseconds(figures.p50_ms),
        "append to commit, p99": milliseconds(figures.p99_ms),
        "decisions": f"{figures.decisions_per_second:.0f}/s",
        "decision, p50": milliseconds(figures.decision_p50_ms),
        "decision, p99": milliseconds(figures.decision_p99_ms),
        "fell back": share(figures.fallback_rate),
        "restarts": str(n_restarts),
    }
    for name, value in rows.items():
        table.add_row(Text(name), Text(value, style="bold"))
    words = [Text(line, style="yellow") for text in news for line in text.splitlines()[:1]]
    return Panel(Group(table, *words), title=f"Shopkeeper, {seconds:.0f} s", expand=False)

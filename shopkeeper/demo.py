"""The demo: a shop of its own with its pages, seeded shoppers, and what happens as live figures."""

import time
from collections import deque
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.console import Console

from shopkeeper.addresses import is_free
from shopkeeper.configuration import connected, ids_of, load
from shopkeeper.demo_catalog import STOREFRONT
from shopkeeper.project_files import write_project
from shopkeeper.shop import Shop, StoppedEarly
from shopkeeper.supervisor import StopRequests


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: shopkeeper demo --seconds 30 --events-per-second 500")(demo)


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo's shop lies.")] = Path("demo"),
    seconds: Annotated[float | None, typer.Option(help="End after so long.", min=1.0)] = None,
    events_per_second: Annotated[float, typer.Option(help="What the shoppers do.", min=1.0)] = 100,
    seed: Annotated[int, typer.Option(help="The same seed gives the same shoppers.")] = 1,
    shop_port: Annotated[int, typer.Option(help="Port of the shop's pages; 0: a free one.")] = 8701,
) -> None:
    """Start a shop with pages and seeded shoppers, show live figures; Ctrl-C ends it cleanly."""
    began = time.monotonic()
    from shopkeeper.demo_run import Plan, open_shop  # noqa: PLC0415 -- other commands start sooner

    config = folder / "shopkeeper.toml"
    write_demo_project(folder)
    settings, secrets = load(config)
    if not is_free(settings.server):  # a demo need not be where it was
        settings = replace(settings, server=replace(settings.server, port=0))
    console, news = Console(), deque[str](maxlen=6)
    say = news.append if console.is_terminal else typer.echo
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
            shop.start()
            plan = Plan(secrets, events_per_second, seed, seconds, shop_port, began)
            open_shop(shop, plan, console, news)
        except StoppedEarly:
            pass
        finally:
            clean = shop.stop()
    typer.echo("stopped" if clean else "stopped; some had to be killed")


def write_demo_project(folder: Path) -> None:
    """Write the demo's settings, secrets, campaigns and triggers where they are missing."""
    config = folder / "shopkeeper.toml"
    if not config.exists():
        write_project(folder)
    text = config.read_text(encoding="utf-8")
    if "[placements." not in text:
        placements = (STOREFRONT / "placements.toml").read_text(encoding="utf-8")
        config.write_text(text + placements, encoding="utf-8")
    for name in ("campaigns.toml", "triggers.toml"):
        if not (folder / name).exists():
            (folder / name).write_bytes((STOREFRONT / name).read_bytes())

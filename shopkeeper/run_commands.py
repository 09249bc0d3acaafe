"""Commands that start something: init, up, serve, work, learn, deliver, redis."""

import os
import socket
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from config.errors import SettingsError
from shopkeeper.addresses import server_url
from shopkeeper.configuration import connected, ids_of, load
from shopkeeper.embedded import become_redis
from shopkeeper.logs import configure_logs
from shopkeeper.project_files import write_project
from shopkeeper.redis_connection import shown
from shopkeeper.shop import Shop, StoppedEarly
from shopkeeper.supervisor import StopRequests


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: shopkeeper init my-shop")(init)
    app.command(epilog="Example: shopkeeper --config my-shop/shopkeeper.toml up")(up)
    app.command(epilog="Example: SHOPKEEPER_REDIS_URL=redis://db:6379 shopkeeper serve")(serve)
    app.command(epilog="Example: SHOPKEEPER_REDIS_URL=redis://db:6379 shopkeeper work")(work)
    app.command(epilog="Example: SHOPKEEPER_REDIS_URL=redis://db:6379 shopkeeper learn")(learn)
    app.command(epilog="Example: SHOPKEEPER_REDIS_URL=redis://db:6379 shopkeeper deliver")(deliver)
    app.command(epilog="Example: shopkeeper redis", name="redis")(redis_server)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; created if missing.")] = Path(),
    force: Annotated[
        bool, typer.Option("--force", help="Write shopkeeper.toml anew; keeps secrets.toml.")
    ] = False,
) -> None:
    """Write a commented shopkeeper.toml, and secrets.toml with a new secret and keys."""
    written = write_project(folder, force=force)
    for path in written:
        typer.echo(f"wrote {path}")
    if len(written) == 1:
        typer.echo("kept secrets.toml: without its secret no id leads to its data any more")
    here = "" if folder == Path() else f"--config {folder / 'shopkeeper.toml'} "
    typer.echo(
        "\nNext:\n"
        f"  shopkeeper {here}up       start the shop; Ctrl-C stops it\n"
        f"  shopkeeper {here}doctor   see whether all is well\n"
        "Send events with the write key of secrets.toml; keep that file to yourself, and a copy."
    )


def up(
    context: typer.Context,
    ready_file: Annotated[
        Path | None, typer.Option(help="Write addresses and process ids here once ready.")
    ] = None,
) -> None:
    """Start workers, learners, deliverer, servers and, unless one is named, Redis; restart them."""
    settings, secrets = load(context.obj)
    with StopRequests() as requests:
        shop = Shop(
            context.obj,
            connected(settings),
            ids=ids_of(settings, secrets),
            embedded=not settings.redis.url,
            requests=requests,
            say=lambda text: typer.echo(f"shopkeeper | {text}"),
            echo=typer.echo,
        )
        try:
            shop.start()
            typer.echo(f"shopkeeper | ready: {shop.url} (Redis: {shown(shop.redis_url)})")
            if ready_file:
                _write_whole(ready_file, shop.facts())
            while True:
                shop.step()
        except StoppedEarly:
            typer.echo("shopkeeper | stopping; once more kills")
        finally:
            clean = shop.stop()
            if ready_file:
                ready_file.unlink(missing_ok=True)
    typer.echo("shopkeeper | stopped" if clean else "shopkeeper | stopped; some had to be killed")


def serve(
    context: typer.Context,
    fd: Annotated[int | None, typer.Option(hidden=True)] = None,
    server_id: Annotated[
        str | None, typer.Option(help="Name of this server; by default a new one.")
    ] = None,
) -> None:
    """Run one server in the foreground, on any machine that reaches Redis."""
    from serving.main import run_server  # noqa: PLC0415

    configure_logs()
    settings, secrets = load(context.obj)
    listener = None if fd is None else socket.socket(fileno=fd)
    run_server(connected(settings), secrets, listener, server_id)


def work(
    context: typer.Context,
    worker_id: Annotated[
        str | None, typer.Option(help="Name of this worker; by default a new one.")
    ] = None,
) -> None:
    """Run one worker in the foreground, on any machine that reaches Redis."""
    from stream.main import run_worker  # noqa: PLC0415

    configure_logs()
    settings, secrets = load(context.obj)
    run_worker(connected(settings), secrets, worker_id)


def learn(
    context: typer.Context,
    learner_id: Annotated[
        str | None, typer.Option(help="Name of this learner; by default a new one.")
    ] = None,
) -> None:
    """Run one learner in the foreground, on any machine that reaches Redis."""
    from stream.main import run_learner  # noqa: PLC0415

    configure_logs()
    settings, secrets = load(context.obj)
    run_learner(connected(settings), secrets, learner_id)


def deliver(
    context: typer.Context,
    deliverer_id: Annotated[
        str | None, typer.Option(help="Name of this deliverer; by default a new one.")
    ] = None,
) -> None:
    """Tell of triggers in the foreground: webhooks, and what servers stream. One at a time works.

    What fired is told with a decision of the server that [delivery] server_url names.
    """
    from delivery.main import run_deliverer  # noqa: PLC0415

    configure_logs()
    settings, secrets = load(context.obj)
    asked = replace(
        settings.delivery, server_url=settings.delivery.server_url or server_url(settings)
    )
    run_deliverer(replace(connected(settings), delivery=asked), secrets, deliverer_id)


def redis_server(context: typer.Context) -> None:
    """Run the embedded Redis in the foreground."""
    settings, _ = load(context.obj)
    if settings.redis.url:
        raise SettingsError("[redis] url is set, so there is no embedded Redis to run: empty it")
    become_redis(settings.redis)


def _write_whole(path: Path, text: str) -> None:
    """Write so that a reader sees all or nothing."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)

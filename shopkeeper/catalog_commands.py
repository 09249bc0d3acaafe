"""``shopkeeper catalog import``: a file of products becomes the shop's catalog."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from config.errors import ShopkeeperError
from shopkeeper.addresses import server_url
from shopkeeper.catalog_files import CatalogFormat, guess_format, read_catalog
from shopkeeper.catalog_upload import Uploaded, upload
from shopkeeper.configuration import load
from shopkeeper.load_inputs import AsJson, lines_of
from shopkeeper.load_reports import report, say

_SHOWN_LINES = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    catalog = typer.Typer(
        no_args_is_help=True,
        help="What the shop sells.",
        epilog="Example: shopkeeper catalog import products.csv",
    )
    catalog.command("import", epilog="Example: shopkeeper catalog import products.csv.gz")(
        import_file
    )
    app.add_typer(catalog, name="catalog")


def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Products, plain or .gz.", exists=True)],
    fmt: Annotated[
        CatalogFormat | None, typer.Option("--format", help="By default the file's name tells.")
    ] = None,
    url: Annotated[str, typer.Option(help="The server; by default that of the settings.")] = "",
    as_json: AsJson = False,
) -> None:
    """Put the products of a file into the catalog; those that it does not name stay.

    NDJSON with a product a line ({"id", "name", "category", "brand", "price", "stock", "link",
    "image", "description"}, or {"id", "delete": true}); CSV or TSV with Google Merchant's column
    names; YAML like that of the AWS Retail Demo Store.
    """
    settings, secrets = load(context.obj)
    found_fmt = fmt or guess_format(file.name)
    if found_fmt is None:
        raise ShopkeeperError(f"{file.name}: say --format {' | '.join(CatalogFormat)}")
    reading = read_catalog(lines_of(file), found_fmt, datetime.now(UTC))
    target = url or server_url(settings)
    with _progress(len(reading.changes)) as show:
        done = upload(target, secrets.secret_keys[0], reading.changes, show)
    bad = sorted([*reading.bad, *done.rejected])
    for line, why in bad[:_SHOWN_LINES]:
        say(f"  line {line}: {why}")
    if len(bad) > _SHOWN_LINES:
        say(f"  … and {len(bad) - _SHOWN_LINES} more")
    figures = {"upserted": done.upserted, "deleted": done.deleted, "bad_lines": len(bad)}
    report(figures, as_json=as_json)
    if bad:
        raise typer.Exit(1)


@contextmanager
def _progress(n_products: int) -> Iterator[Callable[[Uploaded], None]]:
    """Show a bar with the time left where someone watches."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("products", total=n_products)
        yield lambda done: bar.update(task, completed=done.sent)

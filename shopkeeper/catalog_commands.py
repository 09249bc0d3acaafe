"""``shopkeeper catalog import``: a file of products becomes the shop's catalog."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.errors import ShopkeeperError
from shopkeeper.addresses import server_url
from shopkeeper.catalog_files import CatalogFormat, guess_format, read_catalog
from shopkeeper.catalog_upload import upload
from shopkeeper.configuration import load
from shopkeeper.line_files import lines_of
from shopkeeper.load_inputs import AsJson
from shopkeeper.load_reports import progress, report, say

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
    n_changes = len(reading.changes)
    with progress("catalog", n_changes, "products") as show:
        key = secrets.secret_keys[0]
        done = upload(target, key, reading.changes, lambda so_far: show(so_far.sent))
    bad = sorted([*reading.bad, *done.rejected])
    for line, why in bad[:_SHOWN_LINES]:
        say(f"  line {line}: {why}")
    if len(bad) > _SHOWN_LINES:
        say(f"  … and {len(bad) - _SHOWN_LINES} more")
    figures = {"upserted": done.upserted, "deleted": done.deleted, "bad_lines": len(bad)}
    report(figures, as_json=as_json)
    if bad:
        raise typer.Exit(1)

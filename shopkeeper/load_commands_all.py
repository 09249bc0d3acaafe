"""All benches, one after the other, each with its defaults."""

import typer

from config.errors import ShopkeeperError
from loadtest.children import ChildFailed
from shopkeeper.load_inputs import AsJson, Seed
from shopkeeper.load_reports import say


def register(bench: typer.Typer) -> None:
    """Add the command, after the benches that it runs."""
    context = bench.registered_commands

    def everything(seed: Seed = 1, as_json: AsJson = False) -> None:
        """Run every bench with its defaults; with --json, one object after the other."""
        failed = []
        for command in context:
            if command.callback is None or command.callback is everything:
                continue
            name = command.name or command.callback.__name__
            say(f"bench {name}")
            try:
                command.callback(seed=seed, as_json=as_json)
            except typer.Exit as end:
                if end.exit_code:
                    failed.append(name)
            except (ShopkeeperError, ChildFailed) as error:
                say(f"bench {name}: {error}")  # the others still have something to tell
                failed.append(name)
        if failed:
            say(f"failed: {', '.join(failed)}")
            raise typer.Exit(1)

    bench.command("all", epilog="Example: shopkeeper bench all --json")(everything)

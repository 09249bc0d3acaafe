"""The load commands read files, refuse what they cannot use, and say why."""

import gzip
import inspect
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from config.errors import ShopkeeperError
from loadtest.children import ChildFailed
from shopkeeper import load_commands, load_commands_all
from shopkeeper.line_files import lines_of
from shopkeeper.project_files import write_project
from tests.shopkeeper.builders import invoked


def test_a_packed_file_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    assert list(lines_of(path)) == [b"one\n", b"two\n"]


def test_a_packed_file_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n" * 1000)[:-12])
    with pytest.raises(ShopkeeperError, match="cannot be read to its end"):
        list(lines_of(path))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["events.csv"], "say --format segment | taobao815 | rees46"),
        (["events.ndjson", "--speed", "0"], "a factor above 0, or max, is allowed"),
        (["events.ndjson", "--speed", "nan"], "a factor above 0, or max, is allowed"),
        (
            ["events.ndjson", "--url", "http://127.0.0.1:9", "--give-up", "0"],
            "nothing was accepted",
        ),
    ],
)
def test_a_replay_that_cannot_work_says_why(
    tmp_path: Path, arguments: list[str], expected: str
) -> None:
    write_project(tmp_path)
    file = tmp_path / arguments[0]
    file.write_bytes(
        b'{"type":"track","event":"a","userId":"u","timestamp":"2024-05-01T10:00:00Z"}'
    )
    config = str(tmp_path / "shopkeeper.toml")
    whole = ["--config", config, "replay", str(file), *arguments[1:]]
    result = invoked(*whole)
    assert isinstance(result.exception, ShopkeeperError)
    assert expected in str(result.exception)


def test_all_benches_run_though_one_fails() -> None:
    ran: list[tuple[str, int, bool]] = []

    def good(seed: int = 1, as_json: bool = False, rounds: int = 5) -> None:
        ran.append(("good", seed, as_json))

    def bad(seed: int = 1, as_json: bool = False) -> None:
        ran.append(("bad", seed, as_json))
        raise typer.Exit(1)

    def broken(seed: int = 1, as_json: bool = False) -> None:
        raise ChildFailed("Redis does not answer")

    bench = typer.Typer()
    for command in (bad, broken, good):
        bench.command()(command)
    load_commands_all.register(bench)
    result = CliRunner().invoke(bench, ["all", "--seed", "7", "--json"])
    assert ran == [("bad", 7, True), ("good", 7, True)]
    assert result.exit_code == 1
    assert "bench broken: Redis does not answer" in result.output
    assert "failed: bad, broken" in result.output


def test_every_bench_takes_what_all_of_them_are_given() -> None:
    bench = typer.Typer()
    load_commands.register(bench)
    [group] = bench.registered_groups
    assert group.typer_instance is not None
    commands = group.typer_instance.registered_commands
    for command in commands:
        assert command.callback is not None
        inspect.signature(command.callback).bind(seed=1, as_json=True)
    names = [command.name or command.callback.__name__ for command in commands if command.callback]
    incoming, decisions = ["stream", "append", "memory"], ["serve", "freshness", "faults"]
    decisions.append("dashboard")
    alone = ["neighbours", "rules", "campaigns", "model", "learning", "triggers"]
    assert names == [*incoming, *decisions, *alone, "all"]

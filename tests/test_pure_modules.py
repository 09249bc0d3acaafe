"""What says that it is pure is held to it by import-linter."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_each_module_that_says_pure_is_in_the_core_that_does_no_io() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [core] = (
        set(contract["source_modules"])
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["name"] == "the core does no I/O"
    )
    files = (
        file for room in ("stream", "serving", "delivery") for file in ROOT.glob(f"{room}/*.py")
    )
    pure = {
        f"{file.parent.name}.{file.stem}"
        for file in files
        if re.search(r"\bPure[:.,;]", file.read_text(encoding="utf-8").partition("\n")[0])
    }
    assert len(pure) > 60
    assert sorted(pure - core) == []

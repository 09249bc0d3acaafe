"""The README's example, word for word: three events by curl, the decision changing after each."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.shopkeeper.builders import RunningShop, a_running_shop, wait_for

README = Path(__file__).parents[2] / "README.md"
CURL = shutil.which("curl")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """Return the shop of the README's ``init my-shop``."""
    folder = tmp_path_factory.mktemp("readme") / "my-shop"
    folder.mkdir()
    with a_running_shop(folder) as running:
        yield running


def the_example() -> tuple[str, list[str]]:
    """Return the variables that the README sets, and its curl commands one by one."""
    text = README.read_text()
    found = re.search(r"three events: begin -->(.*?)<!-- three events: end", text, flags=re.DOTALL)
    assert found, "the README has lost its example"
    blocks = "".join(re.findall(r"```sh\n(.*?)```", found.group(1), flags=re.DOTALL))
    variables, *commands = re.split(r"(?m)^(?=curl )", blocks)
    return variables, commands


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
def test_the_decision_changes_after_each_of_the_three_events(shop: RunningShop) -> None:
    variables, commands = the_example()
    variables = variables.replace("http://127.0.0.1:8700", shop.url)

    def run(curl: str) -> Any:
        told = subprocess.run(
            ["bash", "-c", variables + curl],
            cwd=shop.config.parent.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(told.stdout)

    def suggested(curl: str) -> list[tuple[str, str]]:
        products = run(curl)["placements"]["next-best"]["products"]
        return [(product["id"], product["reason"]) for product in products]

    catalog, others, ask, *mine = commands
    assert run(catalog)["success"]
    assert run(others)["success"]
    wait_for(lambda: len(suggested(ask)) == 4, "nothing is popular")
    assert run(ask)["fallback"]
    look, ask_1, look_again, ask_2, add, ask_3 = mine

    assert run(look) == {"success": True}
    socks = ("socks", "often viewed after Trail Boots")
    wait_for(lambda: suggested(ask_1)[0] == socks, "no socks")
    assert run(look_again) == {"success": True}
    mat = ("mat", "often viewed after Two-Person Tent")
    wait_for(lambda: suggested(ask_2)[0] == mat, "no mat")
    assert run(add) == {"success": True}
    wait_for(lambda: mat not in suggested(ask_3), "the mat is still there")

    assert run(ask_3)["fallback"] is None
    assert "mat" not in [product for product, _ in suggested(ask_3)]

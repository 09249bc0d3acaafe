"""The README's example, word for word: three events by curl, the picture changing after each."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.shopkeeper.builders import RunningShop, a_running_shop, wait_for

README = Path(__file__).parents[2] / "README.md"
CURL = shutil.which("curl")

Ask = Callable[[str], Any]


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
    found = re.search(r"three events: begin -->\s*```sh\n(.*?)```", text, flags=re.DOTALL)
    assert found, "the README has lost its example"
    variables, *commands = re.split(r"(?m)^(?=curl )", found.group(1))
    return variables, commands


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
def test_what_is_known_changes_after_each_of_the_three_events(shop: RunningShop) -> None:
    variables, commands = the_example()
    variables = variables.replace("http://127.0.0.1:8700", shop.url)

    def ask(curl: str) -> Any:
        told = subprocess.run(
            ["bash", "-c", variables + curl],
            cwd=shop.config.parent.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(told.stdout)

    viewed, look, added, look_again, identified, look_at_ann = commands

    def becomes(curl: str, is_so: Callable[[Any], object]) -> None:
        wait_for(lambda: is_so(ask(curl)), curl)

    assert ask(viewed) == {"success": True}
    becomes(look, lambda seen: seen.get("lastViewed") == ["trail-boots"] and not seen["cart"])
    assert ask(added) == {"success": True}
    becomes(look_again, lambda seen: [line["quantity"] for line in seen["cart"]] == [1])
    assert ask(identified) == {"success": True}
    becomes(look_at_ann, lambda seen: seen.get("eventsSeen") == 3)
    ann = ask(look_at_ann)
    assert (ann["traits"]["tier"], ann["lastViewed"]) == ("gold", ["trail-boots"])
    assert ann["affinities"]["categories"] == {"hiking": 1.0}

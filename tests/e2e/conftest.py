"""The demo as it runs for tests in a browser: one for all of them."""

import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from config.keys import Ids
from shopkeeper.configuration import ids_of, load
from tests.chromium import chromium
from tests.shopkeeper.builders import wait_for

LEARNED = re.compile(r"first personal decision after")


@dataclass(frozen=True)
class Demo:
    """A demo that runs: address of its pages, a client of its server with the secret key, ids."""

    shop_url: str
    server: httpx.Client
    ids: Ids
    secret_key: str


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Run the demo until its shoppers have taught it something."""
    with tempfile.TemporaryDirectory(prefix="sk-") as folder:
        output = Path(folder, "output.txt")
        options = ["--folder", f"{folder}/demo", "--shop-port", "0", "--events-per-second", "30"]
        with output.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "shopkeeper", "demo", *options],
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_for(
                lambda: LEARNED.search(output.read_text()) or process.poll() is not None,
                "the demo shows no personal decision",
            )
            said = output.read_text()
            shop, server = (
                re.search(rf"{word}: +(http://\S+)", said) for word in ("shop", "ready")
            )
            assert shop, said
            assert server, said
            settings, secrets = load(Path(folder, "demo", "shopkeeper.toml"))
            auth = httpx.BasicAuth(secrets.secret_keys[0], "")
            with httpx.Client(base_url=server[1], auth=auth, timeout=30) as client:
                yield Demo(shop[1], client, ids_of(settings, secrets), secrets.secret_keys[0])
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


@pytest.fixture(scope="module")
def shop_url(demo: Demo) -> str:
    """Return the address of the shop's pages."""
    return demo.shop_url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser; while it is open, this thread has an event loop that runs."""
    with chromium() as browser:
        yield browser

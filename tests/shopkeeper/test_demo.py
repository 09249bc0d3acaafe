"""The demo from outside: shoppers shop, figures appear, and it ends cleanly."""

import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.shopkeeper.builders import wait_for

FIRST = re.compile(r"first personal decision after [\d.]+ s: “often viewed after .+”")


def a_demo(folder: Path, *options: str) -> subprocess.Popen[str]:
    where = ["--folder", str(folder / "demo"), "--events-per-second", "50", "--shop-port", "0"]
    with (folder / "output.txt").open("w") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "shopkeeper", "demo", *where, *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )


def applied_rates(output: str) -> list[int]:
    return [int(n) for n in re.findall(r"applied (\d+)/s", output)]


def test_demo_can_be_interrupted_and_run_again_with_the_same_shoppers(short_folder: Path) -> None:
    output, socket = short_folder / "output.txt", short_folder / "demo" / "data" / "redis.sock"
    demo = a_demo(short_folder)
    wait_for(lambda: any(applied_rates(output.read_text())), "nothing was applied")
    wait_for(lambda: FIRST.search(output.read_text()), "no decision was personal")
    demo.send_signal(signal.SIGINT)
    assert demo.wait() == 0
    assert output.read_text().endswith("\nstopped\n")
    assert not socket.exists()
    told = output.read_text()
    assert "catalog: 2,465 products; 12,000 events" in told
    assert re.search(r"shop:    http://127\.0\.0\.1:\d+ .*\nready:   http://.*/docs\n", told)

    assert a_demo(short_folder, "--seconds", "7").wait() == 0
    assert any(applied_rates(output.read_text())), output.read_text()
    assert output.read_text().endswith("\nstopped\n")
    assert not socket.exists()

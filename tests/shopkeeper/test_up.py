"""``shopkeeper up`` from outside: what is killed comes back, and nothing stays behind."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from config.keys import Keys
from shopkeeper.addresses import get, metrics_url, what_is_missing
from shopkeeper.configuration import load
from shopkeeper.embedded import EmbeddedRedis
from shopkeeper.redis_connection import connect
from tests.shopkeeper.builders import (
    RunningShop,
    a_project,
    a_running_shop,
    all_gone,
    wait_for,
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """Return a shop for tests that leave it running."""
    folder = tmp_path_factory.mktemp("shop")
    with a_running_shop(folder, durability='"strict"') as running:
        yield running


def test_ready_line_names_the_address(shop: RunningShop) -> None:
    assert f"ready: {shop.url}" in shop.output


def test_event_takes_effect(shop: RunningShop) -> None:
    assert shop.send("ann")
    wait_for(lambda: shop.events_seen("ann") == 1, shop.output)
    told = shop.run("inspect", "user", "ann")
    assert json.loads(told.stdout)["picture"]["userId"] == "ann"


def test_doctor_finds_a_running_shop_well(shop: RunningShop) -> None:
    told = shop.run("doctor", "--json")
    assert told.returncode == 0, told.stdout


def test_inspected_shard_has_an_owner_and_its_commit(shop: RunningShop) -> None:
    told = shop.run("inspect", "shard", "0")
    assert '"owner": "' in told.stdout
    assert '"lag_entries": 0' in told.stdout


def test_unknown_user_is_an_error_in_one_line(shop: RunningShop) -> None:
    told = shop.run("inspect", "user", "nobody")
    assert told.returncode == 2
    assert told.stderr.startswith("error: nothing is known of 'nobody'")


@pytest.mark.parametrize("name", ["server-1", "worker-1", "redis"])
def test_killed_child_is_started_again_and_the_shop_goes_on(shop: RunningShop, name: str) -> None:
    os.kill(shop.pids()[name], signal.SIGKILL)
    wait_for(lambda: f"{name} was killed by SIGKILL; starts again in" in shop.output, shop.output)
    wait_for(lambda: shop.send(f"after {name}"), shop.output)
    wait_for(lambda: shop.events_seen(f"after {name}") >= 1, shop.output)


def test_second_shop_on_the_same_folder_is_refused(shop: RunningShop) -> None:
    told = shop.run("up")
    assert told.returncode == 2
    assert "already runs on" in told.stderr


def test_children_die_with_a_killed_supervisor_and_a_new_one_goes_on(short_folder: Path) -> None:
    with a_running_shop(short_folder, durability='"strict"') as shop:
        assert shop.send("ann")
        shop.process.kill()
        shop.process.wait()
        wait_for(lambda: all_gone(list(shop.pids().values())), "a child lives on")
        shop.ready_file.unlink()
    with a_running_shop(short_folder) as shop:
        wait_for(lambda: shop.events_seen("ann") == 1, shop.output)


def test_interrupt_leaves_nothing_behind_and_a_new_start_goes_on(short_folder: Path) -> None:
    with a_running_shop(short_folder) as shop:
        assert shop.send("ann")
        wait_for(lambda: shop.events_seen("ann") == 1, shop.output)
        assert shop.interrupt() == 0
        assert shop.output.endswith("shopkeeper | stopped\n")
        assert all_gone(list(shop.pids().values()))
        assert not (short_folder / "data" / "redis.sock").exists()
        assert what_is_missing(shop.url)
    with a_running_shop(short_folder) as shop:
        assert shop.send("ann", "Product Added")
        wait_for(lambda: shop.events_seen("ann") == 2, shop.output)


def test_second_interrupt_kills_what_does_not_stop(short_folder: Path) -> None:
    with a_running_shop(short_folder) as shop:
        os.kill(shop.pids()["worker-1"], signal.SIGSTOP)
        shop.process.send_signal(signal.SIGINT)
        wait_for(lambda: "stopping; once more kills" in shop.output, shop.output)
        shop.interrupt()
        assert "some had to be killed" in shop.output
        assert all_gone(list(shop.pids().values()))


def test_worker_that_stands_still_is_killed_and_started_again(short_folder: Path) -> None:
    with a_running_shop(short_folder) as shop:
        os.kill(shop.pids()["worker-1"], signal.SIGSTOP)
        wait_for(lambda: "worker-1 runs, but its heartbeat is gone" in shop.output, shop.output)
        assert shop.send("ann")
        wait_for(lambda: shop.events_seen("ann") == 1, shop.output)


def test_several_processes_share_a_port_and_the_shards(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = two_free_ports()
    monkeypatch.setenv("SHOPKEEPER_SERVER_METRICS_PORT", str(port))
    with a_running_shop(short_folder, processes="2") as shop:
        pids = shop.pids()
        kinds = ("worker", "learner", "deliverer", "server")
        assert set(pids) == {"redis", *(f"{kind}-{n}" for kind in kinds for n in (1, 2))}
        for n in (1, 2):  # ready is said when the first of them is
            page = wait_for(partial(page_at, port + n - 1), shop.output)
            assert (
                f'shopkeeper_process_info{{pid="{pids[f"server-{n}"]}",role="server"}} 1.0' in page
            )
        users = [f"user {n}" for n in range(8)]
        assert all(shop.send(user) for user in users)
        wait_for(lambda: all(shop.events_seen(user) == 1 for user in users), shop.output)
        shown = {f'process="{name}"' for name in pids if name != "redis"}
        wait_for(lambda: all(name in shop.metrics() for name in shown), shop.output)
        wait_for(lambda: tracks_in(shop.metrics()) == (8, 8), shop.output)


def tracks_in(page: str) -> tuple[float, float]:
    """Return how many track events the servers collected and the workers applied."""
    collected, applied = (
        sum(values(page, f"shopkeeper_{name}_total", 'type="track"'))
        for name in ("collected_events", "events")
    )
    return collected, applied


def values(page: str, name: str, label: str) -> list[float]:
    """Return what the processes say of one metric."""
    lines = [line for line in page.splitlines() if line.startswith(f"{name}{{")]
    return [float(line.split()[-1]) for line in lines if label in line]


def page_at(port: int) -> str:
    try:
        return get(metrics_url("127.0.0.1", port))[1]
    except OSError:
        return ""


def two_free_ports() -> int:
    """Return a port that is free, as is the next one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


@pytest.mark.parametrize("table", ["worker", "learner", "server"])
def test_taken_metrics_port_is_named(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        monkeypatch.setenv(f"SHOPKEEPER_{table.upper()}_METRICS_PORT", port)
        shop = RunningShop(a_project(short_folder, port="0"))
        assert shop.process.wait() == 2
    assert f"[{table}] " in shop.output
    assert f"metrics_port {port}: Address already in use" in shop.output


def test_taken_port_is_named(short_folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        shop = RunningShop(a_project(short_folder, port=str(port)))
        assert shop.process.wait() == 2
    assert f"cannot listen on 127.0.0.1:{port}" in shop.output


def test_data_of_another_secret_is_refused(short_folder: Path) -> None:
    shop_file = a_project(short_folder, port="0")
    settings, _ = load(shop_file)
    made_with = {"shards": 64, "fingerprint": "another", "format": "1"}
    with EmbeddedRedis(settings.redis) as url, connect(url) as client:
        client.hset(Keys(settings.shop.namespace).creation(), mapping=made_with)
    shop = RunningShop(shop_file)
    assert shop.process.wait() == 2
    assert "secret: the data was created with another" in shop.output

"""A real Prometheus scrapes the demo: every query of every rule and panel has data."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from math import isfinite
from typing import NamedTuple

import httpx
import pytest
import yaml

from loadtest.processes import free_port
from shopkeeper.lifeline import tied
from tests.e2e.conftest import Demo
from tests.ops import DASHBOARD, OPS, RULES, rules

GUARD_SECONDS = 120.0
COMPARISON = re.compile(r"\s(?:>=|<=|==|>|<)\s[\d.* ]+$")
NAME = re.compile(r"\b(?:shopkeeper|process)_[a-z0-9_]+")
PARTS = re.compile(r"_(?:bucket|count|sum)$")

PROMETHEUS = shutil.which("prometheus")
pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")


class Query(NamedTuple):
    """Where it stands, and what it asks."""

    where: str
    text: str


def rule_queries() -> list[Query]:
    """Return what rules look at: a comparison that does not hold has no result."""
    return [
        Query(rule.get("alert") or rule["record"], COMPARISON.sub("", part.strip()))
        for rule in rules()
        for part in re.split(r"^and ", rule["expr"], flags=re.MULTILINE)
    ]


def panel_queries() -> list[Query]:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [
        Query(panel["title"], target["expr"].replace("$__rate_interval", "20s"))
        for panel in panels
        for target in panel.get("targets", [])
    ]


def queries() -> list[Query]:
    return rule_queries() + panel_queries()


@pytest.fixture(scope="module")
def prometheus(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Yield a client of a Prometheus with our configuration, in a hurry, on the demo."""
    folder = tmp_path_factory.mktemp("prometheus")
    config = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] |= {"scrape_interval": "2s", "scrape_timeout": "2s"}
    config["global"]["evaluation_interval"] = "2s"
    config["rule_files"] = [str(RULES)]
    address = demo.server.base_url.netloc.decode()
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [address]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    url = f"127.0.0.1:{free_port()}"
    command = [
        str(PROMETHEUS),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={url}",
        "--log.level=warn",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(tied(command), stdout=log, stderr=subprocess.STDOUT)
    try:
        with httpx.Client(base_url=f"http://{url}", timeout=10.0) as client:
            yield client
        assert process.poll() is None, (folder / "log").read_text()
    finally:
        process.terminate()
        process.wait(30)


def answers(prometheus: httpx.Client, query: str) -> list[float]:
    """Return the finite numbers that a query gives now."""
    try:
        told = prometheus.post("/api/v1/query", data={"query": query}).json()
    except (httpx.TransportError, ValueError):
        return []  # it starts
    assert told["status"] == "success", f"{query}: {told.get('error')}"
    values = [float(one["value"][1]) for one in told["data"]["result"]]
    return [value for value in values if isfinite(value)]


def test_every_query_of_every_rule_and_panel_has_data(prometheus: httpx.Client) -> None:
    open_ones, deadline = queries(), time.monotonic() + GUARD_SECONDS
    assert len(open_ones) > 60
    while open_ones and time.monotonic() < deadline:
        open_ones = [one for one in open_ones if not answers(prometheus, one.text)]
        time.sleep(1)
    assert [f"{where}: {text}" for where, text in open_ones] == []


def test_what_they_name_is_there(demo: Demo) -> None:
    """A query with an ``or`` has data also where it names nothing that is counted."""
    kinds = re.findall(r"^# TYPE (\S+) \w+$", demo.server.get("/metrics").text, re.MULTILINE)
    named = {PARTS.sub("", name) for query in queries() for name in NAME.findall(query.text)}
    assert len(named) > 30
    assert named - set(kinds) == set()


def test_names_are_as_prometheus_wants_them(demo: Demo) -> None:
    page = demo.server.get("/metrics").text
    told = subprocess.run(
        ["promtool", "check", "metrics"], input=page, text=True, capture_output=True, check=False
    )
    assert (told.returncode, told.stderr) == (0, "")


def test_all_processes_are_on_the_page(demo: Demo) -> None:
    found = set(re.findall(r'process="([\w-]+)"', demo.server.get("/metrics").text))
    assert {"server-1", "worker-1", "learner-1", "deliverer-1"} <= found


def test_rules_do_what_their_tests_say() -> None:
    for checked in ("check config prometheus.yml", "test rules rules_test.yml"):
        told = subprocess.run(
            ["promtool", *checked.split()],
            cwd=OPS / "prometheus",
            text=True,
            capture_output=True,
            check=False,
        )
        assert told.returncode == 0, told.stdout + told.stderr

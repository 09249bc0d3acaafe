"""Rules and dashboard hang together, also where there is no Prometheus to ask."""

import json
import re
from typing import Any

import yaml

from tests.ops import DASHBOARD, OPS, rules

README = (OPS / "README.md").read_text(encoding="utf-8")


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def test_readme_says_what_to_do_about_every_alert_and_no_other() -> None:
    assert set(re.findall(r"^### (\w+)", README, re.MULTILINE)) == set(alerts())


def test_every_alert_has_a_test_in_which_it_fires() -> None:
    text = (OPS / "prometheus" / "rules_test.yml").read_text(encoding="utf-8")
    fired = {
        name
        for test in yaml.safe_load(text)["tests"]
        for one in test.get("promql_expr_test", [])
        for sample in one.get("exp_samples", [])
        for name in re.findall(r'alertname="(\w+)"', sample["labels"])
    }
    assert fired == set(alerts())


def test_every_alert_says_how_urgent_it_is_and_what_is_wrong() -> None:
    for rule in alerts().values():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_panels_do_not_overlap_and_ask_the_provisioned_source() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    folder = OPS / "grafana" / "provisioning" / "datasources"
    source = yaml.safe_load((folder / "shopkeeper.yml").read_text(encoding="utf-8"))
    uid = source["datasources"][0]["uid"]
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert {target["datasource"]["uid"] for target in panel.get("targets", [])} <= {uid}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])

"""What ``ops/`` holds, for tests."""

from pathlib import Path
from typing import Any

import yaml

OPS = Path(__file__).parents[1] / "ops"
RULES = OPS / "prometheus" / "rules.yml"
DASHBOARD = OPS / "grafana" / "dashboards" / "shopkeeper.json"


def rules() -> list[dict[str, Any]]:
    """Return recording and alerting rules."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]

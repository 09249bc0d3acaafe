"""The dashboard of the demo: its traffic fills every panel, on a wall and on a phone."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.chromium import needs_chromium
from tests.e2e.conftest import Demo
from tests.shopkeeper.builders import wait_for

pytestmark = needs_chromium
CHARTS = (
    "Latency of decisions",
    "Stages of a decision, p99",
    "Routes, p99",
    "A second",
    "From an event to the profile",
    "Longest lag of a shard",
)


def now(server: httpx.Client) -> dict[str, Any]:
    answer = server.get("/v1/dashboard").raise_for_status()
    told: dict[str, Any] = answer.json()["now"]
    return told


def open_dashboard(browser: Browser, demo: Demo, width: int, height: int) -> Page:
    context = browser.new_context(viewport={"width": width, "height": height})
    context.add_init_script(f"sessionStorage.setItem('shopkeeper.secretKey', '{demo.secret_key}')")
    page = context.new_page()
    page.goto(f"{demo.server.base_url}/dashboard")
    return page


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (390, 844)])
def test_the_demos_traffic_fills_every_panel(
    browser: Browser, demo: Demo, width: int, height: int
) -> None:
    wait_for(lambda: now(demo.server)["minute"]["decisions"], "the dashboard counts no decisions")
    page = open_dashboard(browser, demo, width, height)
    for title in CHARTS:
        drawn = page.get_by_role("img", name=title).locator("path").first
        expect(drawn).to_have_attribute("d", re.compile("M"))
    for panel, text in (
        ("#latency", "a decision: read"),
        ("#latency", "event to profile"),
        ("#latency", "step to suggestion"),
        ("#models", "Next product"),
        ("#shards", "64 of 64"),
        ("#placements", "product-next"),
    ):
        expect(page.locator(panel)).to_contain_text(text)
    expect(page.locator("#lights .light")).to_have_count(6)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_demo_is_well(demo: Demo) -> None:
    def lights() -> dict[str, str]:
        return {light["name"]: light["state"] for light in now(demo.server)["lights"]}

    wait_for(lambda: "red" not in lights().values(), "a light of the demo stays red")
    told = now(demo.server)
    assert told["processes"] == {"server": 1, "worker": 1, "learner": 1, "deliverer": 1}
    assert told["lag"]["owned"] == told["lag"]["of"] == 64
    assert told["redis"]["used"] > 0
    assert told["redis"]["logEntries"] > 0

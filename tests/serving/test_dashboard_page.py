"""The dashboard's page in a browser: on a wall, on a phone, light and dark; live; and honest."""

from collections.abc import Iterator
from typing import Any, Literal

import httpx
import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from config.figures import Slow, Teller
from config.latencies import bucket_of
from tests.chromium import chromium, is_elsewhere, needs_chromium
from tests.serving.builders import NOW
from tests.serving.conftest import Serve, served
from tests.serving.test_dashboard import tell, tell_of_before

pytestmark = needs_chromium

Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser; while it is open, this thread has an event loop that runs."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def owner(serve: Serve, redis_url: str) -> httpx.Client:
    return serve(redis_url)


def open_page(
    browser: Browser, owner: httpx.Client, errors: list[str], width: int, scheme: Scheme
) -> Page:
    viewport: Any = {"width": width, "height": 900}
    page = browser.new_context(color_scheme=scheme, viewport=viewport).new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda r: errors.extend([r.url] if is_elsewhere(r.url) else []))
    page.goto(f"{owner.base_url}/dashboard")
    return page


def give_key(page: Page, key: str) -> None:
    page.get_by_label("Secret key of the shop").fill(key)
    page.get_by_role("button", name="Show figures").click()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1920), ("dark", 390)])
def test_the_page_asks_for_the_key_and_shows_what_was_told(
    browser: Browser, owner: httpx.Client, redis_client: redis.Redis, scheme: Scheme, width: int
) -> None:
    tell_of_before(redis_client)
    errors: list[str] = []
    page = open_page(browser, owner, errors, width, scheme)
    give_key(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text("No such key.")
    give_key(page, "write-key")
    expect(page.get_by_role("alert")).to_contain_text("That is a write key")
    give_key(page, "secret-key")
    expect(page.locator(".light")).to_have_count(6)
    expect(page.get_by_label("Secret key of the shop")).to_be_hidden()
    expect(page.locator("#verdict")).to_contain_text("Not ready: no live worker.")
    expect(page.locator("#latency")).to_contain_text("/v1/personalize")
    expect(page.locator("#placements")).to_contain_text("hero")
    expect(page.locator("#strip i")).to_have_count(64)
    path = page.get_by_role("img", name="Latency of decisions").locator("path").last
    assert path.get_attribute("d", timeout=5000)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(22, 24, 26)" if scheme == "dark" else "rgb(251, 249, 244)")
    assert errors == []


def test_what_is_told_now_is_shown_without_asking(
    browser: Browser, owner: httpx.Client, redis_client: redis.Redis
) -> None:
    errors: list[str] = []
    page = open_page(browser, owner, errors, 1280, "light")
    give_key(page, "secret-key")
    slow = Slow(NOW, "d-1", "4bf92f3577b34da6a3ce929d0e0e4736", 81.5, 79.0, 1.5, 0.25, "redis_slow")
    fired = {"fired": {"cart-idle": 3.0}, "deliveries": {"cart-idle webhooks-taken": 2.0}}
    server = Teller("s-2", "server").figures(
        {"campaigns": {"spring": 12.0}}, {}, {"read": {bucket_of(0.079): 1}}, [slow]
    )
    tell(redis_client, server)
    tell(redis_client, Teller("w-1", "worker").figures(fired, {"worker": {"owned": 64.0}}, {}))
    expect(page.locator("#slow")).to_contain_text("4bf92f3577b34da6a3ce929d0e0e4736")
    expect(page.locator("#campaigns")).to_contain_text("spring")
    expect(page.locator("#triggers tbody")).to_contain_text("cart-idle")
    expect(page.locator("#triggers tbody td")).to_have_text(["3", "2"])
    expect(page.locator("#shards")).to_contain_text("64 of 64")
    assert errors == []


def test_names_that_others_gave_are_text_and_nothing_else(
    browser: Browser, owner: httpx.Client, redis_client: redis.Redis
) -> None:
    errors: list[str] = []
    page = open_page(browser, owner, errors, 1280, "light")
    give_key(page, "secret-key")
    name = "<img src=x onerror=alert(1)>"
    tell(redis_client, Teller("s-2", "server").figures({"campaigns": {name: 1.0}}, {}, {}))
    expect(page.locator("#campaigns")).to_contain_text(name)
    assert page.locator("#campaigns img").count() == 0
    assert errors == []


def test_a_server_that_is_gone_is_said(browser: Browser, redis_url: str) -> None:
    errors: list[str] = []
    with served(redis_url) as owner:
        page = open_page(browser, owner, errors, 1280, "light")
        give_key(page, "secret-key")
        expect(page.locator(".light")).to_have_count(6)
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    assert errors == []


def test_why_a_key_is_asked_for_stays_to_be_read(browser: Browser, redis_url: str) -> None:
    page = browser.new_page()
    page.clock.install()
    with served(redis_url) as owner:
        page.goto(f"{owner.base_url}/dashboard")
        give_key(page, "secret-key")
        expect(page.locator(".light")).to_have_count(6)
        page.route("**/v1/dashboard/stream", lambda route: route.fulfill(status=401, body="{}"))
    expect(page.get_by_role("alert")).to_have_text("No such key.")
    page.clock.run_for(15_000)
    expect(page.get_by_role("alert")).to_have_text("No such key.")

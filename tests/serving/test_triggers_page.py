"""The page that shows triggers firing, in a real browser."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis
from playwright.sync_api import Browser, Page, Route, expect

from config.keys import Keys
from config.receiver_states import ReceiverState, encode_state
from config.told import TOLD_FIELD, Told, encode_told
from tests.chromium import chromium, is_elsewhere, needs_chromium
from tests.serving.conftest import Serve

pytestmark = needs_chromium
KEYS = Keys("shop")
SECONDS = 20_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def shop(serve: Serve, redis_url: str) -> httpx.Client:
    return serve(redis_url)


@pytest.fixture
def page(browser: Browser, shop: httpx.Client) -> Iterator[Page]:
    """Yield the page, the key given; nothing may go wrong in it, or be asked for elsewhere."""
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    page, problems = context.new_page(), list[str]()
    page.on("pageerror", lambda error: problems.append(str(error)))
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.goto(f"{shop.base_url}/triggers")
    page.fill("#key", "secret-key")
    page.click("form button")
    yield page
    context.close()
    assert problems == []
    assert [url for url in asked_for if is_elsewhere(url)] == []


def tell(client: redis.Redis, name: str, **changes: Any) -> None:
    products = {"type": "products", "products": [{"id": "socks", "name": "Wool Socks"}]}
    data = {
        "id": name,
        "trigger": "cart-idle",
        "channel": "email",
        "userId": "ann",
        "anonymousId": None,
        "firedAt": "2024-05-01T10:00:00.000Z",
        "productIds": ["boots"],
        "facts": {"cart_value": 129},
        "decision": {"placements": {"mail": products}},
    } | changes
    body = json.dumps({"type": "trigger.fired", "data": data}).encode()
    told = Told(name, data["trigger"], "email", 0, "digest", 4_000_000_000_000, body)
    fields: Any = {TOLD_FIELD: encode_told(told)}
    client.xadd(KEYS.told(), fields)


def test_what_fires_appears_at_once(page: Page, redis_client: redis.Redis) -> None:
    expect(page.locator("#quiet")).to_be_visible(timeout=SECONDS)
    tell(redis_client, "t-1")
    fired = page.locator("#fired li")
    expect(fired).to_have_count(1, timeout=SECONDS)
    for words in ("cart-idle", "email", "to ann, about boots · cart value 129", "mail: Wool Socks"):
        expect(fired).to_contain_text(words)
    tell(redis_client, "t-2", trigger="back", userId=None, decision=None)
    expect(fired.first).to_contain_text("a visitor", timeout=SECONDS)


def test_after_a_break_what_came_meanwhile_is_shown_and_nothing_twice(
    page: Page, redis_client: redis.Redis
) -> None:
    expect(page.locator("#quiet")).to_be_visible(timeout=SECONDS)
    tell(redis_client, "t-1", trigger="first", firedAt="2099-01-01T10:00:00.000Z")
    fired = page.locator("#fired strong")
    expect(fired).to_have_text(["first"], timeout=SECONDS)
    hide(page, hidden=True)
    tell(redis_client, "t-2", trigger="second")
    hide(page, hidden=False)
    expect(fired).to_have_text(["second", "first"], timeout=SECONDS)
    expect(page.locator("#missed")).to_be_hidden()
    hide(page, hidden=True)
    tell(redis_client, "t-3", trigger="third")
    tell(redis_client, "t-4", trigger="fourth")
    redis_client.xtrim(KEYS.told(), maxlen=1, approximate=False)
    hide(page, hidden=False)
    expect(fired).to_have_text(["fourth", "second", "first"], timeout=SECONDS)
    expect(page.locator("#missed")).to_be_visible()


def hide(page: Page, *, hidden: bool) -> None:
    """Let the page believe that its tab is in the background, or in front again."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_what_comes_from_elsewhere_is_shown_as_text(page: Page, redis_client: redis.Redis) -> None:
    tell(redis_client, "t-1", userId="<img src=x onerror=alert(1)>")
    expect(page.locator("#fired li")).to_contain_text("<img src=x", timeout=SECONDS)
    assert page.locator("#fired img").count() == 0


def test_how_receivers_stand_is_said_in_a_sentence(page: Page, redis_client: redis.Redis) -> None:
    states = {
        "fine": ReceiverState(n_taken=7, last="taken 204", last_at=1),
        "gone": ReceiverState(n_waiting=2, stopped_at=1, last="gone 410", last_at=1),
        "locked": ReceiverState(is_ready=False),
        "old": ReceiverState(is_in_force=False),
    }
    fields: Any = {name: encode_state(state) for name, state in states.items()}
    redis_client.hset(KEYS.receivers(), mapping=fields)
    receiver = page.locator("[data-receiver=gone]")
    expect(receiver).to_contain_text("it answered 410", timeout=SECONDS)
    expect(page.locator("[data-receiver=fine]")).to_contain_text("7 taken · 0 waiting")
    expect(page.locator("[data-receiver=locked]")).to_contain_text("secret cannot be read")
    expect(page.locator("[data-receiver=old]")).to_contain_text("Not in triggers.toml")
    expect(page.locator("#receivers li.bad")).to_have_count(3)


def test_why_nothing_is_heard_stays_while_receivers_are_told(
    page: Page, redis_client: redis.Redis
) -> None:
    refused = json.dumps({"detail": "50 listen to this server's triggers already"})
    answers = [refused]

    def answer(route: Route) -> None:
        if answers:
            route.fulfill(status=503, body=answers.pop())

    page.route("**/v1/triggers?*", answer)
    page.reload()
    expect(page.locator("#problem")).to_contain_text("50 listen", timeout=SECONDS)
    fields: Any = {"fine": encode_state(ReceiverState(n_taken=7))}
    redis_client.hset(KEYS.receivers(), mapping=fields)
    expect(page.locator("[data-receiver=fine]")).to_contain_text("7 taken", timeout=SECONDS)
    expect(page.locator("#problem")).to_have_text(
        "50 listen to this server's triggers already. Trying again."
    )


def test_a_refused_key_is_not_asked_with_again(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.install()
    page.evaluate("sessionStorage.setItem('shopkeeper.secretKey', 'wrong')")
    page.reload()
    expect(page.locator("#problem")).to_have_text("No such key.", timeout=SECONDS)
    asked.clear()
    page.clock.run_for(10_000)
    assert asked == []


def test_a_write_key_opens_nothing(page: Page) -> None:
    page.evaluate("sessionStorage.setItem('shopkeeper.secretKey', 'write-key')")
    page.reload()
    expect(page.locator("#problem")).to_contain_text("write key", timeout=SECONDS)
    expect(page.locator("#figures")).to_be_hidden()

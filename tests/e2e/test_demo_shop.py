"""The demo shop in a real browser: what a visitor does changes what the next page shows."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, expect

from shopkeeper.storefront import CUSTOMERS
from tests.chromium import is_elsewhere, needs_chromium
from tests.e2e.conftest import Demo
from tests.e2e.pages import cards, fill_cart, go_home, view, visit
from tests.shopkeeper.builders import wait_for

pytestmark = needs_chromium


@pytest.fixture
def page(browser: Browser, shop_url: str) -> Iterator[Page]:
    """Return the home page as a new visitor sees it; nothing may go wrong on the way."""
    context = browser.new_context(base_url=shop_url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: errors.extend(_if_elsewhere(request.url)))
    visit(page, "/")
    yield page
    context.close()
    assert errors == []


def _if_elsewhere(url: str) -> list[str]:
    return [f"asks {url}"] if is_elsewhere(url) else []


def product_ids(page: Page, placement: str) -> list[str]:
    return [str(card.get_attribute("data-product")) for card in cards(page, placement).all()]


def fact(page: Page, name: str) -> Locator:
    return page.locator(f'[data-fact="{name}"]')


def test_next_best_row_changes_with_two_views_and_says_which_product_led_there(page: Page) -> None:
    before = product_ids(page, "home-next")
    names = [view(page, cards(page, "home-trending").nth(0))]
    go_home(page)
    names.append(view(page, cards(page, "home-trending").nth(1)))
    go_home(page)
    assert product_ids(page, "home-next") != before
    reasons = cards(page, "home-next").locator(".reason").all_inner_texts()
    assert set(reasons) & {f"often viewed after {name}" for name in names}


def test_product_in_the_cart_is_suggested_no_more(page: Page) -> None:
    view(page, cards(page, "home-trending").nth(0))
    first_page = page.url
    suggested = cards(page, "product-next").nth(0)
    product_id = str(suggested.get_attribute("data-product"))
    view(page, suggested)
    page.locator("#add").click()
    expect(page.locator("#cart-count")).to_have_text("1")
    visit(page, first_page)
    assert product_id not in product_ids(page, "product-next")
    go_home(page)
    assert product_id not in product_ids(page, "home-next") + product_ids(page, "home-trending")


def test_drawer_shows_that_the_decision_knows_what_was_just_sent(page: Page) -> None:
    page.locator("#drawer-button").click()
    seen = int(fact(page, "events-seen").inner_text())
    name = view(page, cards(page, "home-trending").nth(0))
    # At the least the page and the view of the product.
    expect(fact(page, "events-seen")).not_to_have_text(str(seen))
    assert int(fact(page, "events-seen").inner_text()) >= seen + 2
    viewed = page.locator("#drawer .sent li", has_text=f"Product Viewed {name}").first
    expect(viewed).to_contain_text("known to the decision")
    expect(page.locator('[data-why="product-next"] li')).to_have_count(4)


def test_who_signs_in_is_known_and_keeps_what_this_browser_did(page: Page, demo: Demo) -> None:
    page.locator("#drawer-button").click()
    product_id = product_ids(page, "home-trending")[0]
    view(page, cards(page, "home-trending").nth(0))
    expect(fact(page, "known")).to_have_text("no")
    page.locator("#account").click()
    page.locator("#sign-in .button", has_text="Deniz").click()
    expect(fact(page, "who")).to_have_text("Deniz")
    expect(fact(page, "known")).to_have_text("yes")
    # The customer has a history of her own; this browser's joins it a moment later.
    customer = f"/v1/users/{CUSTOMERS['Deniz']}"
    wait_for(lambda: product_id in demo.server.get(customer).text, "what was viewed does not join")


def test_order_empties_the_cart_and_what_was_bought_is_not_suggested(page: Page) -> None:
    bought = fill_cart(page)
    page.locator("header .cart").click()
    page.locator("#checkout").click()
    page.locator("#order").click()
    expect(page.locator(".thanks h1")).to_have_text("Thank you!")
    expect(page.locator("#cart-count")).to_have_text("0")
    assert bought not in product_ids(page, "home-next")


def test_what_is_shown_and_clicked_is_told_with_the_decision_it_came_from(page: Page) -> None:
    sent: list[dict[str, Any]] = []
    page.on("request", lambda request: sent.extend(_events(request.url, request.post_data)))
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108
    view(page, cards(page, "home-trending").nth(0))
    card = cards(page, "product-next").nth(2)
    expect(card).to_be_visible()
    # The page asks again while the last answer does not cover its last event.
    asked = [answer for answer in answers if answer.url.endswith("/v1/personalize")]
    decision_id = asked[-1].json()["decisionId"]
    product_id = card.get_attribute("data-product")
    view(page, card)
    clicked = [event["properties"] for event in sent if event.get("event") == "Product Clicked"]
    viewed = [event["properties"] for event in sent if event.get("event") == "Product List Viewed"]
    assert clicked[0]["list_id"] == "home-trending"
    assert clicked[1] | {"decision_id": decision_id, "product_id": product_id} == clicked[1]
    assert clicked[1]["position"] == 2
    shown = next(facts for facts in viewed if facts.get("decision_id") == decision_id)
    assert shown["list_id"] == "product-next"
    assert shown["products"][2] == {"product_id": product_id, "position": 2}


def _events(url: str, body: str | None) -> list[dict[str, Any]]:
    return list(json.loads(body)["batch"]) if "/v1/batch" in url and body else []


def test_without_consent_the_answer_is_not_personal(page: Page) -> None:
    view(page, cards(page, "home-trending").nth(0))
    page.locator("#drawer-button").click()
    with page.expect_navigation():
        page.locator("#consent").uncheck()
    page.wait_for_selector("html[data-open]")
    go_home(page)
    expect(fact(page, "fallback")).to_have_text("consent_refused")
    expect(fact(page, "events-seen")).to_have_text("0")
    reasons = cards(page, "home-next").locator(".reason").all_inner_texts()
    assert set(reasons) == {"popular right now"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_shop_fits_a_phone(browser: Browser, shop_url: str, scheme: Any) -> None:
    context = browser.new_context(
        base_url=shop_url,
        viewport={"width": 375, "height": 720},
        color_scheme=scheme,
        is_mobile=True,
        has_touch=True,
    )
    page = context.new_page()
    for path in ("/", "/cart", "/category/footwear"):
        visit(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, path
    box = page.locator("#drawer-button").bounding_box()
    assert box is not None
    assert box["y"] > 600
    page.locator("#drawer-button").tap()
    expect(page.locator("#drawer")).to_be_visible()
    context.close()


ROWS = {
    "home-next": ("Picked for you", "next-best"),
    "home-for-you": ("More of what you like", "for-you"),
    "home-recent": ("You looked at these", "recently-viewed"),
    "home-again": ("Time for more?", "buy-again"),
    "home-trending": ("Popular right now", "trending"),
    "home-new": ("Just arrived", "new-arrivals"),
    "category-trending": ("Popular in here", "trending"),
    "product-next": ("What others looked at next", "next-best"),
    "product-similar": ("Similar to this", "similar"),
    "product-together": ("Often bought together", "bought-together"),
    "cart-next": ("Goes with what is in your cart", "cart-cross-sell"),
}


class Seen:
    """What the pages show, row by row, beside what the answers said of it."""

    def __init__(self, page: Page) -> None:
        self.titles: dict[str, str] = {}
        self.reasons: dict[str, list[str]] = {}
        self.steps: dict[str, set[str]] = {}
        self._page = page
        page.on("response", self._note)

    def _note(self, response: Response) -> None:
        if response.url.endswith("/v1/personalize"):
            for name, placement in response.json()["placements"].items():
                steps = {product["step"] for product in placement.get("products", ())}
                self.steps.setdefault(name, set()).update(steps)

    def look(self) -> None:
        """Read every row that is there."""
        for section in self._page.locator("section.row:visible").all():
            name = str(section.get_attribute("data-row"))
            self.titles.setdefault(name, section.locator("h2").inner_text())
            self.reasons[name] = section.locator("a.card .reason").all_inner_texts()


def put_into_cart_alone(page: Page, n: int) -> None:
    """Put the n-th of the trending products into the cart, nothing else, and look at it."""
    go_home(page)
    view(page, cards(page, "home-trending").nth(n))
    page.locator("header .cart").click()
    cards(page, "cart-next")
    for less in page.locator("[data-less]").all():
        less.click()
    page.go_back()
    page.locator("#add").click()
    expect(page.locator("#cart-count")).to_have_text("1")
    page.locator("header .cart").click()
    cards(page, "cart-next")


def test_every_strategy_is_seen_with_its_title_and_its_reasons(page: Page) -> None:
    seen = Seen(page)
    page.locator("#account").click()
    page.locator("#sign-in .button", has_text="Ann").click()
    expect(page.locator("#account")).to_have_text("Ann")
    for n in range(3):
        view(page, cards(page, "home-trending").nth(n))
        cards(page, "product-similar")
        cards(page, "product-together")
        seen.look()
        go_home(page)
    expect(page.locator('[data-row="home-recent"] a.card')).not_to_have_count(0)
    expect(page.locator('[data-row="home-again"] a.card')).not_to_have_count(0)
    cards(page, "home-for-you")
    cards(page, "home-new")
    seen.look()
    page.locator("#categories a", has_text="Footwear").click()
    cards(page, "category-trending")
    seen.look()
    for n in range(4):  # what goes with it must be of another category, and seldom is
        put_into_cart_alone(page, n)
        seen.look()
        if "cart-cross-sell" in seen.steps["cart-next"]:
            break
    assert {name: seen.titles.get(name) for name in ROWS} == {
        name: title for name, (title, _) in ROWS.items()
    }
    for name, (_, strategy) in ROWS.items():
        assert strategy in seen.steps[name], name
        assert seen.reasons[name], name
        assert all(seen.reasons[name]), name
    assert "you buy this regularly" in seen.reasons["home-again"]
    assert set(seen.reasons["home-recent"]) == {"you looked at this lately"}


def test_no_product_is_twice_on_a_page_but_for_what_was_looked_at(page: Page) -> None:
    view(page, cards(page, "home-trending").nth(0))
    shown = [
        name
        for row in ("product-next", "product-similar", "product-together")
        for name in product_ids(page, row)
    ]
    assert len(shown) == len(set(shown)) == 12


def test_impressions_and_clicks_of_products_are_told_as_the_spec_has_them(page: Page) -> None:
    sent: list[dict[str, Any]] = []
    page.on("request", lambda request: sent.extend(_events(request.url, request.post_data)))
    card = cards(page, "home-trending").nth(1)
    product_id = card.get_attribute("data-product")
    view(page, card)
    shown_next = product_ids(page, "product-next")
    go_home(page)
    named = [(event.get("event"), event.get("properties", {})) for event in sent]
    [clicked] = [facts for name, facts in named if name == "Product Clicked"]
    assert (clicked["product_id"], clicked["list_id"], clicked["position"]) == (
        product_id,
        "home-trending",
        1,
    )
    lists = [facts for name, facts in named if name == "Product List Viewed"]
    shown = next(facts for facts in lists[::-1] if facts["list_id"] == "product-next")
    assert [one["product_id"] for one in shown["products"]] == shown_next

"""What tests do on the pages of the demo shop."""

from playwright.sync_api import Locator, Page, expect


def visit(page: Page, path: str) -> None:
    """Open a page and wait until it is drawn."""
    page.goto(path)
    page.wait_for_selector("html[data-open]")


def cards(page: Page, placement: str) -> Locator:
    """Return the products of a placement once they are decided."""
    found = page.locator(f'[data-row="{placement}"] a.card')
    expect(found).to_have_count(4)
    return found


def view(page: Page, card: Locator) -> str:
    """Click a card and return the product's name, once the product's page is decided on."""
    name = card.locator(".name").inner_text()
    card.click()
    expect(page.locator("article.product h1")).to_have_text(name)
    cards(page, "product-next")
    return name


def go_home(page: Page) -> None:
    """Go to the home page and wait until it is decided."""
    page.locator(".brand").click()
    cards(page, "home-next")


def leave(page: Page) -> None:
    """Move the pointer out of the window, towards the tabs."""
    page.evaluate(
        "document.documentElement.dispatchEvent("
        "new MouseEvent('mouseout', {clientY: -1, bubbles: true, relatedTarget: null}))"
    )


def fill_cart(page: Page) -> str:
    """Put a product of at least 20 euros into the cart and return its id."""
    for card in cards(page, "home-trending").all() + cards(page, "home-next").all():
        if float(card.locator(".price").inner_text().strip("€").replace(",", "")) >= 20:
            product_id = str(card.get_attribute("data-product"))
            view(page, card)
            page.locator("#add").click()
            expect(page.locator("#cart-count")).to_have_text("1")
            return product_id
    raise AssertionError("nothing popular costs 20 euros")


def sign_in(page: Page, name: str) -> None:
    """Sign in as one of the demo's customers."""
    page.locator("#account").click()
    page.locator("#sign-in .button", has_text=name).click()
    expect(page.locator("#account")).to_have_text(name)

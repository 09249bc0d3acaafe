import httpx
from playwright.sync_api import Route, expect

from tests.chromium import chromium, is_elsewhere, needs_chromium


@needs_chromium
def test_the_description_is_shown_without_the_internet(shop: httpx.Client) -> None:
    asked_elsewhere: list[str] = []

    def stay_here(route: Route) -> None:
        if is_elsewhere(route.request.url):
            asked_elsewhere.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    with chromium() as browser:
        page = browser.new_page()
        page.route("**/*", stay_here)
        page.goto(f"{shop.base_url}/docs")
        for path in ("/v1/personalize", "/v1/batch", "/v1/catalog", "/v1/users/{user_id}"):
            operation = page.locator(".opblock-summary", has=page.get_by_text(path, exact=True))
            expect(operation.first).to_be_visible()
    assert asked_elsewhere == []

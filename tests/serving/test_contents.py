"""What a variation says to a visitor; no value of theirs becomes more than a part of an address."""

from urllib.parse import unquote

import pytest

from config.placements import Content
from tests.serving.builders import NOW
from tests.serving.deciding import a_request, a_user, decided, promotion_of

CAMPAIGN = """
[campaigns.x]
placements = ["hero"]
[campaigns.x.variations.a]
headline = "New in {favourite_category|the shop}"
link = "/category/{favourite_category|all}?city={city|}"
image = "https://img.example/{favourite_category|all}.png"
"""


def content_of(campaign: str, category: str = "", city: str = "") -> Content:
    """Return what a visitor is shown who likes a category and lives in a city."""
    user = a_user(
        categories={category: 1.0} if category else {},
        context={"city": (NOW, city)} if city else {},
    )
    content = promotion_of(decided(a_request("hero"), user, campaigns=campaign)).content
    assert content is not None
    return content


def test_in_addresses_what_is_filled_in_stays_one_part_of_them() -> None:
    content = content_of(CAMPAIGN, "boots/../a?b=c&d#e", "Graz & Wien")
    assert content.link == ("/category/boots%2F..%2Fa%3Fb%3Dc%26d%23e?city=Graz%20%26%20Wien")
    assert content.image == "https://img.example/boots%2F..%2Fa%3Fb%3Dc%26d%23e.png"
    assert content.headline == "New in boots/../a?b=c&d#e"


def test_what_the_shop_wrote_itself_is_left_as_it_is() -> None:
    content = content_of(CAMPAIGN)
    assert (content.link, content.image) == ("/category/all?city=", "https://img.example/all.png")


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "//evil.example",
        "https://evil.example",
        "data:text/html,x",
        "\\\\evil",
    ],
)
def test_no_value_of_a_visitor_leads_anywhere_else(value: str) -> None:
    alone = CAMPAIGN.replace("/category/{favourite_category|all}?city={city|}", "{city|/}")
    link = content_of(alone, city=value).link
    assert unquote(link) == value
    assert not {":", "/", "\\"} & set(link)


def test_a_value_without_a_letter_to_show_is_not_known() -> None:
    alone = CAMPAIGN.replace("/category/{favourite_category|all}?city={city|}", "{city|/}")
    assert content_of(alone, city="\u202e\n").link == "/"

import pytest

from config.placements import Content
from serving.choices import Choice, Fallback, MadeOffer, Pick, ShownBanner, Slate, result_of
from serving.reasons import NoOffer, Why

HELLO = Content(headline="Hello")
POPULAR = Pick("lamp", Why.POPULAR)


@pytest.mark.parametrize(
    ("choice", "result"),
    [
        (Slate("next-best", [POPULAR, Pick("socks", Why.AFTER, "boots")], None), "personal"),
        (Slate("trending", [POPULAR], None), "general"),
        (Slate("next-best", [POPULAR], Fallback.NO_HISTORY), "no_history"),
        (ShownBanner(HELLO, "hiking", None), "personal"),
        (ShownBanner(HELLO, None, None), "general"),
        (ShownBanner(HELLO, None, Fallback.NO_ID), "no_id"),
        (MadeOffer(HELLO, None, None), "personal"),
        (MadeOffer(None, NoOffer.SMALL_CART, None), "personal"),
        (MadeOffer(None, NoOffer.NOT_NOW, None), "general"),
    ],
)
def test_metrics_call_personal_only_what_was_chosen_for_the_visitor(
    choice: Choice, result: str
) -> None:
    assert result_of(choice) == result

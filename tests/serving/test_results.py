import pytest

from config.placements import Content
from serving.choices import Choice, Fallback, Pick, Promotion, Slate, result_of
from serving.reasons import Why

HELLO = Content(headline="Hello")
POPULAR = Pick("lamp", Why.POPULAR)


@pytest.mark.parametrize(
    ("choice", "result"),
    [
        (Slate("next-best", [POPULAR, Pick("socks", Why.AFTER, "boots")], None), "personal"),
        (Slate("trending", [POPULAR], None), "general"),
        (Slate("next-best", [POPULAR], Fallback.NO_HISTORY), "no_history"),
        (Promotion("banner", HELLO, "", None, is_personal=True), "personal"),
        (Promotion("banner", HELLO, "", None), "general"),
        (Promotion("banner", HELLO, "", Fallback.NO_ID), "no_id"),
        (Promotion("offer", None, "", None), "general"),
    ],
)
def test_metrics_call_personal_only_what_was_chosen_for_the_visitor(
    choice: Choice, result: str
) -> None:
    assert result_of(choice) == result

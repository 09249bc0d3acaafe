import pytest

from config.content_texts import fill, problems_of


def known(name: str) -> str:
    return {"first_name": "Ann {city|}", "favourite_category": ""}.get(name, "")


def test_fields_are_filled_in_and_what_is_not_known_has_its_fallback() -> None:
    text = "Hi {first_name|you}, new in {favourite_category|the shop}{city|} {{10 %}}"
    assert fill(text, known) == "Hi Ann {city|}, new in the shop {10 %}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{first_name}", "say what is shown where it is not known: {first_name|…}"),
        ("{surname|x}", "{surname|x} is no field; allowed: first_name, city"),
        ("{first_name|", "'{' alone"),
        ("100 }", "'}' alone"),
        ("{}", "{} is no field"),
    ],
)
def test_a_text_with_mistakes_says_what_is_allowed(text: str, problem: str) -> None:
    assert problem in next(problems_of(text))


def test_a_text_without_fields_has_no_problems() -> None:
    assert list(problems_of("Hello {{you}} and {city|all}")) == []

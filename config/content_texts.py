"""Texts of campaigns with fields of the visitor: ``Hello {first_name|there}``.

What stands behind ``|`` is shown where the field is not known; it may be empty, but not left out.
A brace of its own is doubled: ``{{``, ``}}``.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from config.errors import ShopkeeperError

FIELDS: dict[str, str] = {
    "first_name": "trait firstName or first_name",
    "city": "of the request's context, else of the visitor's",
    "favourite_category": "the category that the visitor turned to most",
    "favourite_brand": "the brand that the visitor turned to most",
    "focus_category": "the category of what the visitor looks at in this visit",
    "page_category": "the category of the page",
    "last_viewed": "name of the product that was viewed last",
    "cart_value": "what the cart is worth, with two decimals",
}
MAX_VALUE = 80  # letters of a filled-in value
_MAX_PARSED = 4_096  # texts, of this file and of those before it

_PARTS = re.compile(r"(\{\{|\}\}|\{[^{}]*\}|\{|\})")
_FIELD = re.compile(r"\{\s*(\w+)\s*(\|([^{}]*))?\}")


class InvalidText(ShopkeeperError):
    """A text with a brace or a field that is none; the text says which, and what is allowed."""


class _Field(NamedTuple):
    name: str
    fallback: str


def fill(text: str, known: Callable[[str], str]) -> str:
    """Return a text with its fields filled in; ``known`` returns "" for what is not known.

    >>> fill("Hello {first_name|there}", {"first_name": "Ann"}.get)
    'Hello Ann'
    """
    if "{" not in text and "}" not in text:
        return text
    return "".join(
        part if isinstance(part, str) else (known(part.name) or part.fallback)
        for part in _parts(text)
    )


def problems_of(text: str) -> Iterator[str]:
    """Yield what is wrong with a text, and what is allowed.

    >>> list(problems_of("Hello {first_name}"))
    ['{first_name}: say what is shown where it is not known: {first_name|…}']
    """
    try:
        _parts(text)
    except InvalidText as error:
        yield str(error)


@lru_cache(_MAX_PARSED)
def _parts(text: str) -> tuple[str | _Field, ...]:
    parts: list[str | _Field] = []
    for part in _PARTS.split(text):
        if part in ("{{", "}}"):
            parts.append(part[0])
        elif part in ("{", "}"):
            raise InvalidText(f"{part!r} alone; allowed: {{field|fallback}}, or it is doubled")
        elif part.startswith("{"):
            parts.append(_field(part))
        elif part:
            parts.append(part)
    return tuple(parts)


def _field(part: str) -> _Field:
    found = _FIELD.fullmatch(part)
    if found is None or found[1] not in FIELDS:
        raise InvalidText(f"{part} is no field; allowed: {', '.join(FIELDS)}")
    if found[2] is None:
        name = found[1]
        raise InvalidText(f"{part}: say what is shown where it is not known: {{{name}|…}}")
    return _Field(found[1], found[3])
